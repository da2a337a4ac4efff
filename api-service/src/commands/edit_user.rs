//! `PATCH /api/v1/users/{id}`: an account's profile, as an admin writes it.

use axum::Json;
use axum::extract::State;

use super::edit_profile::{Edit, Wire};
use super::run::to_its_end;
use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::path::AccountPath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::views::UserView;

/// Writes into an account's profile.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", operation_id = "editUser",
    tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    request_body = Wire,
    responses(
        (status = 200, body = UserView, description = "As it is now"),
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
    Body(fields): Body,
) -> Result<Json<UserView>, Problem> {
    account.require(Right::ManageUsers)?;
    let edit = Edit::read(account.id(), id, fields)?;
    let row = to_its_end(&api, &edit).await?;
    Ok(Json(row.into()))
}
