//! `DELETE /api/v1/auth/me` and `POST /api/v1/users/{id}/erase`: somebody is erased.
//!
//! What names them goes: the profile, the issuer's name for them, addresses in the audit and in
//! invitations, notifications. What is only numbered stays: audit entries, ownership periods, the
//! ledger. Nothing is taken from others: who still owns devices, or is the last owner of an
//! organization, is refused with what is in the way.
//!
//! Afterwards a token of theirs makes no new account: see [`crate::accounts`].

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schema::words::END_ACCOUNT_SESSIONS;
use serde_json::json;

use super::reason_body::{FreeReasonBody, free_reason};
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::erasure::InTheWay;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::confirm::Confirm;
use crate::edge::path::AccountPath;
use crate::outbox::worker;
use crate::problem::{Code, FieldError, Problem, ProblemView, Refusals};
use crate::store::user::UserRow;
use crate::views::UserView;

/// Erases the caller.
#[utoipa::path(
    delete, path = "/api/v1/auth/me", operation_id = "eraseMe",
    tag = "people", security(("bearer" = [])),
    params(("confirm" = String, Query, format = "uuid", max_length = 128,
        description = "The caller's own `accountId`, so that nobody is erased by mistake")),
    responses(
        (status = 204, description = "Erased; MQTT sessions are being ended. Tokens are refused from now on"),
        Refusals,
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Not confirmed, or something stands in the way: `errors` names it"),
    )
)]
pub(crate) async fn own(
    State(api): State<Api>,
    account: Account,
    confirm: Confirm,
) -> Result<StatusCode, Problem> {
    let id = account.id();
    if !confirm.is(&id.to_string()) {
        let detail = "say `confirm` with your own `accountId`, as `GET /api/v1/auth/me` tells it";
        return Err(Problem::new(Code::DeletionUnconfirmed, detail));
    }
    erase(&api, id, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erases somebody else. Repeating it changes nothing.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/erase", operation_id = "eraseUser",
    tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    request_body = Option<FreeReasonBody>,
    responses(
        (status = 200, body = UserView, description = "What is left of it; its MQTT sessions are being ended"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It is the caller's own, or something stands in the way: `errors` names it"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn by_admin(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
    OptionalBody(fields): OptionalBody,
) -> Result<Json<UserView>, Problem> {
    account.require(Right::ManagePersonalData)?;
    let reason = free_reason(fields)?;
    if account.id() == id {
        let detail = "this is the caller's own account; `DELETE /api/v1/auth/me` erases it";
        return Err(Problem::new(Code::OwnAccount, detail));
    }
    let row = erase(&api, account.id(), id, reason).await?;
    Ok(Json(row.into()))
}

async fn erase(
    api: &Api,
    actor: AccountId,
    account: AccountId,
    reason: Option<Label>,
) -> Result<UserRow, Problem> {
    let erase = Erase {
        actor,
        account,
        reason,
    };
    to_its_end(api, &erase).await?;
    api.accounts.forget(account);
    worker::wake(&api.outbox_wake);
    let row = api.store.connect().await?.user(account).await?;
    row.ok_or_else(Problem::unknown_account)
}

struct Erase {
    actor: AccountId,
    account: AccountId,
    reason: Option<Label>,
}

impl Command for Erase {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("erase_account").await?;
        // Organizations come before accounts, as everywhere. Two owners who go at once wait for each
        // other here, and the second is the last.
        for organization in tx.places_of(self.account).await? {
            tx.lock_organization(organization).await?;
        }
        let row = tx.lock_user(self.account).await?;
        let row = row.ok_or_else(Problem::unknown_account)?;
        let (Some(issuer), Some(subject)) = (&row.issuer, &row.subject) else {
            return Ok(());
        };
        // Into which organization the account came between the two locks: nobody comes in now.
        for organization in tx.places_of(self.account).await? {
            tx.lock_organization(organization).await?;
        }
        let in_the_way = tx.in_the_way_of_erasure(self.account).await?;
        if in_the_way != InTheWay::default() {
            return Err(blocked(&in_the_way).into());
        }
        let id = self.account.to_string();
        let actor = Actor::Account(self.actor.uuid());
        let entry = Entry::done(actor, "account.erase", "account", &id);
        let reason = self.reason.as_ref().map(Label::as_str);
        tx.audit(entry.changed(None, json!({"reason": reason})))
            .await?;
        tx.erase_account(self.account, issuer, subject).await?;
        tx.add_to_outbox(END_ACCOUNT_SESSIONS, &id, &json!({}))
            .await?;
        Ok(tx.commit().await?)
    }
}

fn blocked(in_the_way: &InTheWay) -> Problem {
    let errors = in_the_way.told().into_iter();
    let errors = errors.map(|(field, detail)| FieldError {
        field: field.to_owned(),
        detail,
    });
    let detail = "something has to get another owner first; `errors` names it";
    Problem::new(Code::ErasureBlocked, detail).naming(errors.collect())
}
