//! `GET /api/v1/devices`: devices in the order of their ids, page by page.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::query::{Page, cursor};
use crate::problem::{Problem, ProblemView};
use crate::views::DeviceView;

/// One page of devices.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DevicesView {
    /// The devices of this page.
    devices: Vec<DeviceView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Devices in the order of their ids.
#[utoipa::path(
    get, path = "/api/v1/devices", operation_id = "listDevices",
    tag = "devices", security(("bearer" = [])),
    params(
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 200,
            description = "Devices of a page; 50 if not given"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses(
        (status = 200, body = DevicesView, description = "One page"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page,
) -> Result<Json<DevicesView>, Problem> {
    account.require(Right::ReadDevices)?;
    let connection = api.store.connect().await?;
    // One more than asked for tells whether there is another page.
    let mut rows = connection
        .devices(page.after.as_ref(), page.limit + 1)
        .await?;
    let more = rows.len() > usize::from(page.limit);
    rows.truncate(usize::from(page.limit));
    let next_cursor = rows
        .last()
        .filter(|_| more)
        .map(|last| cursor(&last.device_id));
    Ok(Json(DevicesView {
        devices: rows.into_iter().map(DeviceView::from).collect(),
        next_cursor,
    }))
}
