//! `POST /api/v1/users/{id}/disable`: an account is kept out until it is enabled.
//!
//! The end of its MQTT sessions is put into the outbox in the same transaction. Asking again changes
//! nothing and gives the same answer.

use axum::Json;
use axum::extract::State;
use schema::words::END_ACCOUNT_SESSIONS;
use serde_json::json;

use super::reason_body::{FreeReasonBody, free_reason};
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::AccountPath;
use crate::outbox::worker;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::user::UserRow;
use crate::views::UserView;

/// Keeps an account out.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/disable", operation_id = "disableUser",
    tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    request_body = Option<FreeReasonBody>,
    responses(
        (status = 200, body = UserView, description = "Kept out; its MQTT sessions are being ended"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It is erased, or the caller's own"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
    OptionalBody(fields): OptionalBody,
) -> Result<Json<UserView>, Problem> {
    account.require(Right::ManageUsers)?;
    let reason = free_reason(fields)?;
    if account.id() == id {
        let detail = "an admin cannot disable the account that they use; another admin can";
        return Err(Problem::new(Code::OwnAccount, detail));
    }
    set_disabled(&api, account.id(), id, true, reason).await
}

/// Disables an account or lets it in again.
pub(super) async fn set_disabled(
    api: &Api,
    actor: AccountId,
    account: AccountId,
    disabled: bool,
    reason: Option<Label>,
) -> Result<Json<UserView>, Problem> {
    let command = SetDisabled {
        actor,
        account,
        disabled,
        reason,
    };
    let row = to_its_end(api, &command).await?;
    api.accounts.forget(account);
    worker::wake(&api.outbox_wake);
    Ok(Json(row.into()))
}

struct SetDisabled {
    actor: AccountId,
    account: AccountId,
    disabled: bool,
    reason: Option<Label>,
}

impl Command for SetDisabled {
    type Done = UserRow;

    async fn once(&self, api: &Api) -> Result<UserRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("set_account_disabled").await?;
        let row = tx.lock_user(self.account).await?;
        let mut row = row.ok_or_else(Problem::unknown_account)?;
        if row.erased_at.is_some() {
            return Err(Problem::account_erased().into());
        }
        if row.disabled == self.disabled {
            return Ok(row);
        }
        tx.set_account_disabled(self.account, self.disabled).await?;
        let id = self.account.to_string();
        if self.disabled {
            tx.add_to_outbox(END_ACCOUNT_SESSIONS, &id, &json!({}))
                .await?;
        }
        let actor = Actor::Account(self.actor.uuid());
        let action = if self.disabled {
            "account.disable"
        } else {
            "account.enable"
        };
        let reason = self.reason.as_ref().map(Label::as_str);
        let entry = Entry::done(actor, action, "account", &id);
        let before = json!({"disabled": row.disabled});
        let after = json!({"disabled": self.disabled, "reason": reason});
        tx.audit(entry.changed(before, after)).await?;
        tx.commit().await?;
        row.disabled = self.disabled;
        Ok(row)
    }
}
