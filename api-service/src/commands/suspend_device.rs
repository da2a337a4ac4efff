//! `POST /api/v1/devices/{id}/suspend`: a device is kept out until it is resumed.
//!
//! The hooks deny it as soon as they have applied the change; the end of its sessions is put into the
//! outbox in the same transaction. Its certificates stay as they are. Asking again changes nothing and
//! gives the same answer.

use axum::extract::State;
use serde_json::{Value, json};

use super::binding::DEVICE;
use super::change_device::{DeviceAnswer, DeviceChange, DeviceChanged, change_device, change_hash};
use super::reason_body::{FreeReasonBody, free_reason};
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::{Actor, Entry};
use crate::domain::label::Label;
use crate::domain::lifecycle_table::Move;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::edge::wait::{WaitFor, WaitParameter};
use crate::outbox::kind;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::device::DeviceRow;
use crate::store::{StoreError, Tx};

/// Suspends a device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/suspend", operation_id = "suspendDevice",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        WaitParameter,
        KeyHeader,
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
    key: MaybeKey,
    OptionalBody(fields): OptionalBody,
) -> Result<DeviceAnswer, Problem> {
    let claim = key.claim(&account, change_hash::<Suspend>(&id, &fields));
    let reason = free_reason(fields)?;
    let suspend = Suspend {
        asker: account.asker(),
        reason,
    };
    let changed = change_device(&api, &id, claim, &suspend).await?;
    changed.answer(&api, &id, phase).await
}

struct Suspend {
    asker: Asker,
    reason: Option<Label>,
}

impl DeviceChange for Suspend {
    const NAME: &'static str = "suspend_device";
    const KIND: &'static str = kind::END_DEVICE_SESSIONS;

    async fn permit(&self, tx: &Tx<'_>, device: &DeviceRow) -> Result<(), Problem> {
        require_device(tx, self.asker, &device.device_id, Level::Manage).await?;
        Ok(())
    }

    fn judge(&self, device: &DeviceRow) -> Result<Option<Value>, Problem> {
        device.standing().after(Move::Suspend)?;
        let is_so = device.suspended && (device.suspended_by_platform || !self.asker.is_admin);
        let reason = self.reason.as_ref().map(Label::as_str);
        Ok((!is_so).then(|| json!({"why": "suspended", "reason": reason})))
    }

    async fn write(&self, tx: &Tx<'_>, device: &mut DeviceRow) -> Result<(), StoreError> {
        device.suspended = true;
        // What an administrator suspends, only an administrator resumes.
        let by_platform = self.asker.is_admin || device.suspended_by_platform;
        tx.set_suspended(&device.device_id, true, by_platform)
            .await?;
        let actor = Actor::Account(self.asker.account.uuid());
        let entry = Entry::done(actor, "device.suspend", DEVICE, device.device_id.as_str());
        let reason = self.reason.as_ref().map(Label::as_str);
        tx.audit(entry.changed(None, json!({"reason": reason})))
            .await
    }
}
