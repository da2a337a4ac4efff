//! `GET /api/v1/operations/{id}`: where something stands that goes on outside the database.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::path::OperationPath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::views::OperationView;

/// Where an operation stands.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}", operation_id = "getOperation",
    tag = "operations", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The operation's id")),
    responses(
        (status = 200, body = OperationView, description = "The operation"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OperationPath(id): OperationPath,
) -> Result<Json<OperationView>, Problem> {
    account.require(Right::ReadDevices)?;
    read_view(&api, id).await
}

/// An operation as it is now.
pub(crate) async fn read_view(api: &Api, id: i64) -> Result<Json<OperationView>, Problem> {
    let row = api.store.connect().await?.operation(id).await?;
    Ok(Json(row.ok_or_else(unknown)?.into()))
}

/// No such operation.
pub(crate) fn unknown() -> Problem {
    let detail = "there is no operation of this id, or it ended long ago";
    Problem::new(Code::OperationNotFound, detail)
}
