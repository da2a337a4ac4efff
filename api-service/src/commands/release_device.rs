//! `POST /api/v1/devices/{id}/release`: an administrator frees a device whose owner or claimant is
//! gone.

use axum::Json;
use axum::extract::State;
use schema::{BindingState, DeviceId, Lifecycle};
use serde_json::json;
use utoipa::ToSchema;

use super::binding::{free, lapse};
use super::run::{Command, Failure, to_its_end};
use super::unbind_device::FreedDevice;
use crate::api::Api;
use crate::domain::audit::Actor;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::path::DevicePath;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = ReleaseDevice)]
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
    params(("id" = String, Path, description = "The device's id")),
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
    Body(mut fields): Body,
) -> Result<Json<FreedDevice>, Problem> {
    account.require(Right::Everything)?;
    let reason = fields.required("reason", Label::parse);
    fields.finish()?;
    let reason = reason.ok_or_else(|| Problem::internal("a missing field was not noted"))?;
    let actor = Actor::Account(account.id().uuid());
    let release = Release {
        id: &id,
        actor,
        reason,
    };
    let lifecycle = to_its_end(&api, &release).await?;
    worker::wake(&api.outbox_wake);
    Ok(Json(FreedDevice {
        device_id: id.to_string(),
        lifecycle: lifecycle.into(),
    }))
}

struct Release<'a> {
    id: &'a DeviceId,
    actor: Actor,
    reason: Label,
}

impl Command for Release<'_> {
    type Done = Lifecycle;

    async fn once(&self, api: &Api) -> Result<Lifecycle, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("release_device").await?;
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        if device.lifecycle == Lifecycle::Pending
            && let Some(binding) = tx.pending_binding(self.id).await?
        {
            lapse(&tx, &device, &binding, BindingState::Cancelled, self.actor).await?;
            tx.commit().await?;
            return Ok(Lifecycle::Unbound);
        }
        let entry = (self.actor, "device.release");
        let reason = Some(self.reason.as_str());
        let lifecycle = free(&tx, self.id, &device, entry, reason).await?;
        if let Some(owner) = device.holder.and_then(|holder| holder.account()) {
            let payload = json!({"deviceId": self.id.as_str(), "reason": reason});
            tx.notify(owner, "device_released", &payload).await?;
        }
        tx.commit().await?;
        Ok(lifecycle)
    }
}
