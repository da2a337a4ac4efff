//! `POST /api/v1/auth/logout`: the caller signs out everywhere.
//!
//! Every token of the account that was issued before is refused from now on, and the end of its MQTT
//! sessions is put into the outbox in the same transaction. The issuer's own session is the issuer's
//! matter: a client ends it at the issuer's `end_session_endpoint`.

use axum::extract::State;
use axum::http::StatusCode;
use schema::words::END_ACCOUNT_SESSIONS;
use serde_json::json;

use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::edge::account::Account;
use crate::outbox::worker;
use crate::problem::{Problem, Refusals};

/// Signs the caller out everywhere.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "logout",
    tag = "people", security(("bearer" = [])),
    responses(
        (status = 204, description = "Tokens issued before are refused; MQTT sessions are being ended"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
) -> Result<StatusCode, Problem> {
    to_its_end(&api, &SignOut(account.id())).await?;
    api.accounts.forget(account.id());
    worker::wake(&api.outbox_wake);
    Ok(StatusCode::NO_CONTENT)
}

struct SignOut(AccountId);

impl Command for SignOut {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("sign_out").await?;
        tx.sign_out(self.0).await?;
        let id = self.0.to_string();
        tx.add_to_outbox(END_ACCOUNT_SESSIONS, &id, &json!({}))
            .await?;
        let actor = Actor::Account(self.0.uuid());
        tx.audit(Entry::done(actor, "account.logout", "account", &id))
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
