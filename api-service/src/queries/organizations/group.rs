//! `GET /api/v1/groups/{id}`: a group.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::organization_path::GroupPath;
use crate::edge::require::require_group;
use crate::edge::version::etag;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::reader::Reader;
use crate::views::organization::GroupView;

/// A group that the caller sees.
#[utoipa::path(
    get, path = "/api/v1/groups/{id}", operation_id = "getGroup",
    tag = "groups", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The group's id")),
    responses(
        (status = 200, body = GroupView, description = "`ETag` is its version"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    GroupPath(id): GroupPath,
) -> Result<Response, Problem> {
    let connection = api.store.connect().await?;
    require_group(&connection, account.asker(), id, Level::See).await?;
    let row = Reader::from(&connection).group(id).await?;
    let row = row.ok_or_else(Problem::unknown_group)?;
    Ok(([etag(row.version)], Json(GroupView::from(row))).into_response())
}
