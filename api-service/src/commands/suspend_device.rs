//! `POST /api/v1/devices/{id}/suspend`: a device is kept out until it is resumed.
//!
//! The hooks deny it as soon as they have applied the change; the end of its sessions is put into the
//! outbox in the same transaction. Its certificates stay as they are. Asking again changes nothing and
//! gives the same answer.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schema::Lifecycle;
use serde_json::{Value, json};

use super::change_device::{DeviceChange, DeviceChanged, change_device};
use super::reason_body::{FreeReasonBody, free_reason};
use crate::api::Api;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::DevicePath;
use crate::edge::wait::{WaitFor, WaitParameter};
use crate::outbox::kind;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::device::DeviceRow;
use crate::store::{StoreError, Tx};

/// Suspends a device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/suspend", operation_id = "suspendDevice",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        WaitParameter,
    ),
    request_body = Option<FreeReasonBody>,
    responses(
        (status = 200, body = DeviceChanged,
            description = "Suspended, and what was waited for is reached"),
        (status = 202, body = DeviceChanged,
            description = "Suspended; its sessions are being ended. Repeating it is harmless"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The device is revoked"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    WaitFor(phase): WaitFor,
    OptionalBody(fields): OptionalBody,
) -> Result<(StatusCode, Json<DeviceChanged>), Problem> {
    account.require(Right::Suspend)?;
    let reason = free_reason(fields)?;
    let changed = change_device(&api, &id, &Suspend { reason }).await?;
    changed.answer(&api, &id, phase).await
}

/// A device that is out for good is neither suspended nor resumed.
pub(super) fn revoked() -> Problem {
    let detail = "the device is revoked for good; it is neither suspended nor resumed";
    Problem::new(Code::DeviceRevoked, detail)
}

struct Suspend {
    reason: Option<Label>,
}

impl DeviceChange for Suspend {
    const NAME: &'static str = "suspend_device";
    const KIND: &'static str = kind::END_DEVICE_SESSIONS;

    fn judge(&self, device: &DeviceRow) -> Result<Option<Value>, Problem> {
        if device.lifecycle == Lifecycle::Revoked {
            return Err(revoked());
        }
        let reason = self.reason.as_ref().map(Label::as_str);
        Ok((!device.suspended).then(|| json!({"why": "suspended", "reason": reason})))
    }

    async fn write(&self, tx: &Tx<'_>, device: &mut DeviceRow) -> Result<(), StoreError> {
        device.suspended = true;
        tx.set_suspended(&device.device_id, true).await
    }
}
