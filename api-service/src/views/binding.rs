//! A claim on a device, as its claimant is shown it.

use schema::BindingState;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::device::HolderView;
use crate::store::binding::BindingRow;

/// Where a claim stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum BindingStateView {
    /// It waits for the device.
    Pending,
    /// The device is the claimant's.
    Bound,
    /// The device did not answer in time.
    Expired,
    /// The device, or a right that was lost meanwhile, refused it.
    Refused,
    /// It was taken back.
    Cancelled,
}

/// A claim on a device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BindingView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    binding_id: Uuid,
    /// The device.
    device_id: String,
    /// Where it stands.
    state: BindingStateView,
    /// For whom.
    owner: HolderView,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// Until when the device may confirm it.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
    /// When it was over.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<OffsetDateTime>,
}

impl From<BindingRow> for BindingView {
    fn from(row: BindingRow) -> Self {
        Self {
            binding_id: row.binding_id,
            device_id: row.device_id.to_string(),
            state: row.state.into(),
            owner: row.holder.into(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        }
    }
}

impl From<BindingState> for BindingStateView {
    fn from(state: BindingState) -> Self {
        match state {
            BindingState::Pending => Self::Pending,
            BindingState::Bound => Self::Bound,
            BindingState::Expired => Self::Expired,
            BindingState::Refused => Self::Refused,
            BindingState::Cancelled => Self::Cancelled,
        }
    }
}
