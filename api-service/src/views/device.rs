//! A device, as callers are shown it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::LifecycleView;
use crate::domain::holder::Holder;
use crate::store::device::DeviceRow;

/// A device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceView {
    /// Its id.
    #[schema(example = "tent-0001")]
    pub(crate) device_id: String,
    /// Where it stands in its life.
    pub(crate) lifecycle: LifecycleView,
    /// Whether it is kept out for a while.
    pub(crate) suspended: bool,
    /// What it is.
    pub(crate) model: String,
    /// Its firmware when its newest certificate was made.
    pub(crate) firmware_version: Option<String>,
    /// When it was registered.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: OffsetDateTime,
    /// When any of this last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: OffsetDateTime,
    /// When it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) revoked_at: Option<OffsetDateTime>,
    /// Whose it is. Absent for a maker, whom that does not concern.
    #[serde(flatten)]
    // Of an `Option` the document would say that there is an `OwnedView` or that the whole is `null`.
    #[schema(value_type = OwnedView)]
    pub(crate) owned: Option<OwnedView>,
}

/// What only those see who may see whose the device is; nobody sees a part of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnedView {
    /// Whose it is.
    pub(crate) owner: Option<HolderView>,
    /// Since when.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) bound_at: Option<OffsetDateTime>,
    /// What its owner calls it.
    pub(crate) name: Option<String>,
    /// What its owner notes about it.
    #[schema(value_type = Object, required = false)]
    pub(crate) metadata: Value,
    /// Counts what people write about it: the `ETag`.
    #[schema(required = false)]
    pub(crate) version: i64,
}

/// An owner: a person, or an organization with a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HolderView {
    /// The person's account; absent if an organization owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(crate) account_id: Option<Uuid>,
    /// The organization; absent if a person owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(crate) organization_id: Option<Uuid>,
    /// The group it is in; absent right below the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub(crate) group_id: Option<Uuid>,
}

impl From<Holder> for HolderView {
    fn from(holder: Holder) -> Self {
        Self {
            account_id: holder.account().map(|account| account.uuid()),
            organization_id: holder
                .organization()
                .map(|organization| organization.uuid()),
            group_id: holder.group().map(|group| group.uuid()),
        }
    }
}

impl DeviceView {
    /// What its maker is shown: nothing of its owner.
    pub(crate) fn for_maker(row: DeviceRow) -> Self {
        Self {
            owned: None,
            ..row.into()
        }
    }
}

impl From<DeviceRow> for DeviceView {
    fn from(row: DeviceRow) -> Self {
        Self {
            device_id: row.device_id.to_string(),
            lifecycle: row.lifecycle.into(),
            suspended: row.suspended,
            model: row.model,
            firmware_version: row.firmware_version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            revoked_at: row.revoked_at,
            owned: Some(OwnedView {
                owner: row.holder.map(HolderView::from),
                bound_at: row.bound_at,
                name: row.name,
                metadata: row.metadata,
                version: row.version,
            }),
        }
    }
}
