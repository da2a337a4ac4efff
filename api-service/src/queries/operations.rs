//! `GET /api/v1/operations`: what goes on outside the database, newest first, page by page.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::operations_query::{OperationsPage, cursor};
use crate::problem::{Problem, ProblemView};
use crate::views::OperationView;

/// One page of operations.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationsView {
    /// The operations of this page, newest first.
    operations: Vec<OperationView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Operations, newest first.
#[utoipa::path(
    get, path = "/api/v1/operations", operation_id = "listOperations",
    tag = "operations", security(("bearer" = [])),
    params(
        ("state" = Option<String>, Query, description = "Only `pending`, `done` or `dead` ones"),
        ("deviceId" = Option<String>, Query, description = "Only those of this device"),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200,
            description = "Operations of a page; 50 if not given"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses(
        (status = 200, body = OperationsView, description = "One page"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: OperationsPage,
) -> Result<Json<OperationsView>, Problem> {
    account.require(Right::ReadDevices)?;
    let connection = api.store.connect().await?;
    // One more than asked for tells whether there is another page.
    let mut rows = connection
        .operations(&page.filter, i64::from(page.limit) + 1)
        .await?;
    let more = rows.len() > usize::from(page.limit);
    rows.truncate(usize::from(page.limit));
    let next_cursor = rows.last().filter(|_| more).map(|last| cursor(last.id));
    Ok(Json(OperationsView {
        operations: rows.into_iter().map(OperationView::from).collect(),
        next_cursor,
    }))
}
