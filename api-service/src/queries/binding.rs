//! `GET /api/v1/devices/{id}/binding`: what became of a claim on a device.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::path::DevicePath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::views::BindingView;

/// The caller's newest claim on a device; for an administrator, anybody's.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/binding", operation_id = "getBinding",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 200, body = BindingView, description = "The claim"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No such device was claimed by the caller, or for an administrator by anybody"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<Json<BindingView>, Problem> {
    let whose = (!account.has(Right::Everything)).then(|| account.id());
    let connection = api.store.connect().await?;
    let row = connection.latest_binding(&id, whose).await?;
    let detail = "you never claimed a device of this id";
    let row = row.ok_or_else(|| Problem::new(Code::BindingNotFound, detail))?;
    Ok(Json(row.into()))
}
