//! `POST /api/v1/devices/{id}/release`: an administrator frees a device whose owner or claimant is
//! gone.

use axum::extract::State;
use axum::http::StatusCode;
use schema::{BindingState, DeviceId, Lifecycle};
use serde_json::json;
use utoipa::ToSchema;

use super::binding::{free, lapse};
use super::keyed::{Answer, Given, Keyed, once_by_key};
use super::run::Failure;
use super::unbind_device::FreedDevice;
use crate::api::Api;
use crate::domain::audit::Actor;
use crate::domain::idempotency::request_hash;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::Tx;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ReleaseDevice,
    example = json!({"reason": "owner left, ticket 4711"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Why, for the record: free words that name nobody.
    #[schema(min_length = 1, max_length = 64, example = "owner left, ticket 4711")]
    reason: String,
}

/// Frees a device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/release", operation_id = "releaseDevice",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id"), KeyHeader),
    request_body = Wire,
    responses(
        (status = 200, body = FreedDevice, description = "It is nobody's"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Nobody owns or claims it"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    key: MaybeKey,
    Body(mut fields): Body,
) -> Result<Given, Problem> {
    account.require(Right::Everything)?;
    let hash = request_hash(&[b"release_device", id.as_str().as_bytes(), &fields.hash()]);
    let reason = fields.required("reason", Label::parse);
    fields.finish()?;
    let reason = reason.ok_or_else(|| Problem::internal("a missing field was not noted"))?;
    let actor = Actor::Account(account.id().uuid());
    let release = Release {
        id: &id,
        actor,
        reason,
    };
    let given = once_by_key(&api, key.claim(&account, hash), &release).await?;
    worker::wake(&api.outbox_wake);
    Ok(given)
}

struct Release<'a> {
    id: &'a DeviceId,
    actor: Actor,
    reason: Label,
}

impl Keyed for Release<'_> {
    const NAME: &'static str = "release_device";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let lifecycle = self.free(tx).await?;
        let freed = FreedDevice {
            device_id: self.id.to_string(),
            lifecycle: lifecycle.into(),
        };
        Ok(Answer::new(StatusCode::OK, &freed)?)
    }
}

impl Release<'_> {
    async fn free(&self, tx: &Tx<'_>) -> Result<Lifecycle, Failure> {
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        if device.lifecycle == Lifecycle::Pending
            && let Some(binding) = tx.pending_binding(self.id).await?
        {
            lapse(tx, &device, &binding, BindingState::Cancelled, self.actor).await?;
            return Ok(Lifecycle::Unbound);
        }
        let entry = (self.actor, "device.release");
        let reason = Some(self.reason.as_str());
        let lifecycle = free(tx, self.id, &device, entry, reason).await?;
        if let Some(owner) = device.holder.and_then(|holder| holder.account()) {
            let payload = json!({"deviceId": self.id.as_str(), "reason": reason});
            tx.notify(owner, "device_released", &payload).await?;
        }
        Ok(lifecycle)
    }
}
