//! `GET /api/v1/devices`: devices in the order of their ids, page by page.

use axum::Json;
use axum::extract::State;
use schema::DeviceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters};
use crate::problem::{Problem, Refusals};
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
    params(PageParameters),
    responses(
        (status = 200, body = DevicesView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<DeviceId>,
) -> Result<Json<DevicesView>, Problem> {
    account.require(Right::ReadDevices)?;
    let connection = api.store.connect().await?;
    let rows = connection
        .devices(page.after.as_ref(), page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.device_id.clone());
    Ok(Json(DevicesView {
        devices: rows.into_iter().map(DeviceView::from).collect(),
        next_cursor,
    }))
}
