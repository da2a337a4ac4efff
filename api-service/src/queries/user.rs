//! `GET /api/v1/users/{id}`: an account, for admins.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::path::AccountPath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::views::UserView;

/// An account.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "getUser",
    tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    responses(
        (status = 200, body = UserView, description = "The account"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
) -> Result<Json<UserView>, Problem> {
    account.require(Right::ManageUsers)?;
    read_user(&api, id).await.map(Json)
}

/// Reads an account.
pub(super) async fn read_user(api: &Api, id: AccountId) -> Result<UserView, Problem> {
    let connection = api.store.connect().await?;
    let row = connection.user(id).await?;
    Ok(row.ok_or_else(Problem::unknown_account)?.into())
}
