//! `GET /api/v1/devices/{id}/history`: what was done to a device while it had its present owner.
//!
//! Of another owner's time nobody learns anything here but an administrator. What was before and after
//! each change stands in the audit, not here: it may name other owners.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::device_history::HistoryRow;

/// One page of a device's history.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceHistoryView {
    /// Since when the device has its present owner; what was before is not told. Absent if nobody
    /// owns it.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none",
        default
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    owned_since: Option<OffsetDateTime>,
    /// Newest first.
    entries: Vec<HistoryEntryView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Something that was done, or refused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryEntryView {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    at: OffsetDateTime,
    /// What.
    #[schema(example = "device.transfer")]
    action: String,
    /// `account`, `system` or `stranger`.
    actor_kind: String,
    /// The account; told to whoever may manage the device, and of oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    actor_id: Option<Uuid>,
    /// `done` or `refused`.
    outcome: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// What was done to a device, newest first.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/history", operation_id = "getDeviceHistory",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        PageParameters,
    ),
    responses(
        (status = 200, body = DeviceHistoryView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    page: Page<i64>,
) -> Result<Json<DeviceHistoryView>, Problem> {
    let asker = account.asker();
    let connection = api.store.connect().await?;
    let (_, access) = require_device(&connection, asker, &id, Level::See).await?;
    let owned_since = connection.owned_since(&id).await?;
    let since = match owned_since {
        _ if asker.is_admin => OffsetDateTime::UNIX_EPOCH,
        Some(since) => since,
        // Given up between the two looks.
        None => return Err(Problem::unknown_device()),
    };
    let rows = connection
        .device_history(&id, since, page.after, page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.entry_id);
    let tells_all = access.level >= Level::Manage;
    let view = |row: HistoryRow| HistoryEntryView {
        at: row.at,
        action: row.action,
        actor_kind: row.actor_kind,
        actor_id: row
            .actor_id
            .filter(|id| tells_all || *id == asker.account.uuid()),
        outcome: row.outcome,
        code: row.code,
    };
    Ok(Json(DeviceHistoryView {
        owned_since,
        entries: rows.into_iter().map(view).collect(),
        next_cursor,
    }))
}
