//! `POST /api/v1/users/{id}/enable`: a disabled account is let in again.
//!
//! Tokens that it got before and that have not ended are good again. Asking again changes nothing.

use axum::Json;
use axum::extract::State;

use super::disable_user::set_disabled;
use super::reason_body::{FreeReasonBody, free_reason};
use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::AccountPath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::views::UserView;

/// Lets an account in again.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/enable", operation_id = "enableUser",
    tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    request_body = Option<FreeReasonBody>,
    responses(
        (status = 200, body = UserView, description = "Let in again"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It is erased"),
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
    set_disabled(&api, account.id(), id, false, reason).await
}
