//! `POST /api/v1/devices/{id}/revoke`: a device is out for good.
//!
//! Its certificates are revoked and the end of its sessions is put into the outbox in the same
//! transaction. The hooks deny it as soon as they have applied the change; the worker ends what is
//! connected. Asking again changes nothing and gives the same answer.

use axum::extract::State;
use certs::RevocationReason;
use schema::Lifecycle;
use serde_json::{Value, json};

use super::binding::DEVICE;
use super::change_device::{DeviceAnswer, DeviceChange, DeviceChanged, change_device, change_hash};
use super::reason_body::{RevocationReasonBody, revocation_reason};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::lifecycle_table::Move;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::edge::wait::{WaitFor, WaitParameter};
use crate::outbox::kind;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::device::DeviceRow;
use crate::store::{StoreError, Tx};

/// Revokes a device for good.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/revoke", operation_id = "revokeDevice",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        WaitParameter,
        KeyHeader,
    ),
    request_body = Option<RevocationReasonBody>,
    responses(
        (status = 200, body = DeviceChanged,
            description = "Revoked, and what was waited for is reached"),
        (status = 202, body = DeviceChanged,
            description = "Revoked; its sessions are being ended. Repeating it is harmless"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "A request with this key is being answered"),
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
    account.require(Right::Revoke)?;
    let claim = key.claim(&account, change_hash::<Revoke>(&id, &fields));
    let reason = revocation_reason(fields)?;
    let revoke = Revoke {
        actor: account.actor(),
        reason,
    };
    let changed = change_device(&api, &id, claim, &revoke).await?;
    changed.answer(&api, &id, phase).await
}

struct Revoke {
    actor: Actor,
    reason: RevocationReason,
}

impl DeviceChange for Revoke {
    const NAME: &'static str = "revoke_device";
    const KIND: &'static str = kind::END_DEVICE_SESSIONS;

    fn judge(&self, device: &DeviceRow) -> Result<Option<Value>, Problem> {
        let after = device.standing().after(Move::Revoke)?;
        let is_new = device.lifecycle != after.lifecycle;
        Ok(is_new.then(|| json!({"reason": self.reason.as_str()})))
    }

    async fn write(&self, tx: &Tx<'_>, device: &mut DeviceRow) -> Result<(), StoreError> {
        device.lifecycle = Lifecycle::Revoked;
        tx.revoke_device(&device.device_id).await?;
        tx.revoke_certificates(&device.device_id, self.reason)
            .await?;
        let id = device.device_id.as_str();
        let entry = Entry::done(self.actor, "device.revoke", DEVICE, id);
        let after = json!({"reason": self.reason.as_str()});
        tx.audit(entry.changed(None, after)).await
    }

    fn announce(&self, api: &Api) {
        api.lists.outdate();
    }
}
