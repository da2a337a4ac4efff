//! What somebody was told.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::notification::NotificationRow;

/// Something that the caller was told.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationView {
    /// Its number.
    id: i64,
    /// What happened: `device_bound`, `device_claim_expired`, `device_claim_refused`,
    /// `device_offer_taken`, `device_released`; others may come.
    #[schema(example = "device_bound")]
    kind: String,
    /// What belongs to it, as the kind says; `deviceId` for all about a device.
    #[schema(value_type = Object)]
    payload: Value,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When it was first read.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<OffsetDateTime>,
}

impl From<NotificationRow> for NotificationView {
    fn from(row: NotificationRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            payload: row.payload,
            created_at: row.created_at,
            read_at: row.read_at,
        }
    }
}
