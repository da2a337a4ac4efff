//! `POST /api/v1/devices/{id}/resume`: a suspended device may connect again.
//!
//! The hooks let it in as soon as they have applied the change. Our ban on the broker, if one still
//! stands, is lifted through the outbox, after the earlier entries of the device: those find it
//! allowed again and do nothing. Asking again changes nothing and gives the same answer.

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
use crate::outbox::kind;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::device::DeviceRow;
use crate::store::{StoreError, Tx};

/// Resumes a suspended device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/resume", operation_id = "resumeDevice",
    tag = "devices", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id"), KeyHeader),
    request_body = Option<FreeReasonBody>,
    responses(
        (status = 202, body = DeviceChanged,
            description = "Resumed; our ban is being lifted. Repeating it is harmless"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The device is revoked, or was never suspended"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    key: MaybeKey,
    OptionalBody(fields): OptionalBody,
) -> Result<DeviceAnswer, Problem> {
    let claim = key.claim(&account, change_hash::<Resume>(&id, &fields));
    let reason = free_reason(fields)?;
    let resume = Resume {
        asker: account.asker(),
        reason,
    };
    let changed = change_device(&api, &id, claim, &resume).await?;
    if changed.never_was() {
        let detail = "the device is not suspended and never was";
        return Err(Problem::new(Code::DeviceNotSuspended, detail));
    }
    changed.answer(&api, &id, None).await
}

struct Resume {
    asker: Asker,
    reason: Option<Label>,
}

impl DeviceChange for Resume {
    const NAME: &'static str = "resume_device";
    const KIND: &'static str = kind::LIFT_DEVICE_BAN;

    async fn permit(&self, tx: &Tx<'_>, device: &DeviceRow) -> Result<(), Problem> {
        require_device(tx, self.asker, &device.device_id, Level::Manage).await?;
        Ok(())
    }

    fn judge(&self, device: &DeviceRow) -> Result<Option<Value>, Problem> {
        device.standing().after(Move::Resume)?;
        if device.suspended_by_platform && !self.asker.is_admin {
            let detail = "an administrator suspended the device; only one may resume it";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        let reason = self.reason.as_ref().map(Label::as_str);
        Ok(device.suspended.then(|| json!({"reason": reason})))
    }

    async fn write(&self, tx: &Tx<'_>, device: &mut DeviceRow) -> Result<(), StoreError> {
        device.suspended = false;
        tx.set_suspended(&device.device_id, false, false).await?;
        let actor = Actor::Account(self.asker.account.uuid());
        let entry = Entry::done(actor, "device.resume", DEVICE, device.device_id.as_str());
        let reason = self.reason.as_ref().map(Label::as_str);
        tx.audit(entry.changed(None, json!({"reason": reason})))
            .await
    }
}
