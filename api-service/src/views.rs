//! What callers are shown. No stored type is serialized: each view is made from one, here.

use schema::{CertificateState, Lifecycle};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::certificate::CertificateRow;

pub(crate) use audit::{AuditEntryView, SealView};
pub(crate) use binding::BindingView;
pub(crate) use device::DeviceView;
pub(crate) use notification::NotificationView;
pub(crate) use operation::{OperationView, ProgressView};
pub(crate) use user::UserView;

mod audit;
pub(crate) mod balance;
mod binding;
mod device;
mod notification;
mod operation;
pub(crate) mod organization;
pub(crate) mod plan;
mod user;

/// A device's place in its life. `revoked` is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LifecycleView {
    /// Made, owned by nobody.
    Unbound,
    /// Claimed by somebody, not confirmed by the device yet.
    Pending,
    /// Owned.
    Bound,
    /// Out for good.
    Revoked,
}

/// A certificate's state. Only an active one lets its device in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CertificateStateView {
    /// Lets its device in until it ends.
    Active,
    /// Replaced by newer ones.
    Retired,
    /// Withdrawn, and on the revocation list until it ends.
    Revoked,
}

/// A device with its certificates, newest first.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceDetailView {
    /// The device.
    #[serde(flatten)]
    pub(crate) device: DeviceView,
    /// Its certificates, at most the newest 100.
    pub(crate) certificates: Vec<CertificateView>,
}

/// A certificate, without its bytes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateView {
    /// SHA-256 over its DER, upper-case hexadecimal with colons.
    pub(crate) fingerprint: String,
    /// Its serial number, upper-case hexadecimal.
    pub(crate) serial: String,
    /// Whether it still proves its device.
    pub(crate) state: CertificateStateView,
    /// First second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) not_before: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) not_after: OffsetDateTime,
    /// When it was issued.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) issued_at: OffsetDateTime,
    /// When it was retired or revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) ended_at: Option<OffsetDateTime>,
    /// Why it was revoked (RFC 5280 section 5.3.1).
    pub(crate) revocation_reason: Option<String>,
    /// The key identifier of the authority that signed it, lower-case hexadecimal; `null` if it names
    /// none of 20 bytes.
    pub(crate) issuer: Option<String>,
}

impl From<Lifecycle> for LifecycleView {
    fn from(lifecycle: Lifecycle) -> Self {
        match lifecycle {
            Lifecycle::Unbound => Self::Unbound,
            Lifecycle::Pending => Self::Pending,
            Lifecycle::Bound => Self::Bound,
            Lifecycle::Revoked => Self::Revoked,
        }
    }
}

impl From<CertificateState> for CertificateStateView {
    fn from(state: CertificateState) -> Self {
        match state {
            CertificateState::Active => Self::Active,
            CertificateState::Retired => Self::Retired,
            CertificateState::Revoked => Self::Revoked,
        }
    }
}

impl From<CertificateRow> for CertificateView {
    fn from(row: CertificateRow) -> Self {
        Self {
            fingerprint: row.fingerprint.to_string(),
            serial: row.serial.to_string(),
            state: row.state.into(),
            not_before: row.not_before,
            not_after: row.not_after,
            issued_at: row.issued_at,
            ended_at: row.ended_at,
            revocation_reason: row.revocation_reason,
            issuer: row.issuer.map(|key_id| key_id.to_string()),
        }
    }
}
