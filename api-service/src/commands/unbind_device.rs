//! `POST /api/v1/devices/{id}/unbind`: the owner gives a device up.
//!
//! Its period ends, its name and metadata go, and who saw it only through the owner is signed out of
//! its topics. The device itself stays connected: nothing changes for it.

use axum::Json;
use axum::extract::State;
use schema::{DeviceId, Lifecycle};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::binding::free;
use super::reason_body::{FreeReasonBody, free_reason};
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::Actor;
use crate::domain::label::Label;
use crate::edge::account::Account;
use crate::edge::body::{Body, OptionalBody};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::views::LifecycleView;

/// The body of the earlier product.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = UnbindDeviceById,
    example = json!({"deviceId": "tent-0001", "reason": "sold"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct ByIdWire {
    /// Which device.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
    device_id: String,
    /// Why, for the record: free words that name nobody.
    #[schema(min_length = 1, max_length = 64, example = "sold")]
    reason: Option<String>,
}

/// A device without an owner.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FreedDevice {
    /// Its id.
    pub(super) device_id: String,
    /// Where it stands now: `unbound`, or still `revoked`.
    pub(super) lifecycle: LifecycleView,
}

/// Gives a device up.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/unbind", operation_id = "unbindDevice",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    request_body = Option<FreeReasonBody>,
    responses(
        (status = 200, body = FreedDevice, description = "It is nobody's"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Nobody owns it"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    OptionalBody(fields): OptionalBody,
) -> Result<Json<FreedDevice>, Problem> {
    let reason = free_reason(fields)?;
    unbind(&api, &account, &id, reason).await
}

/// Gives a device up: the path and body of the earlier product.
#[utoipa::path(
    post, path = "/api/v1/devices/unbind", operation_id = "unbindDeviceById",
    tag = "binding", security(("bearer" = [])),
    request_body = ByIdWire,
    responses(
        (status = 200, body = FreedDevice, description = "It is nobody's"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn by_id(
    State(api): State<Api>,
    account: Account,
    Body(mut fields): Body,
) -> Result<Json<FreedDevice>, Problem> {
    let id = fields.required("deviceId", DeviceId::parse);
    let reason = free_reason(fields)?;
    let id = id.ok_or_else(|| Problem::internal("a missing field was not noted"))?;
    unbind(&api, &account, &id, reason).await
}

async fn unbind(
    api: &Api,
    account: &Account,
    id: &DeviceId,
    reason: Option<Label>,
) -> Result<Json<FreedDevice>, Problem> {
    let asker = account.asker();
    let lifecycle = to_its_end(api, &Unbind { id, asker, reason }).await?;
    worker::wake(&api.outbox_wake);
    Ok(Json(FreedDevice {
        device_id: id.to_string(),
        lifecycle: lifecycle.into(),
    }))
}

struct Unbind<'a> {
    id: &'a DeviceId,
    asker: Asker,
    reason: Option<Label>,
}

impl Command for Unbind<'_> {
    type Done = Lifecycle;

    async fn once(&self, api: &Api) -> Result<Lifecycle, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("unbind_device").await?;
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        require_device(&tx, self.asker, self.id, Level::Manage).await?;
        let entry = (Actor::Account(self.asker.account.uuid()), "device.unbind");
        let reason = self.reason.as_ref().map(Label::as_str);
        let lifecycle = free(&tx, self.id, &device, entry, reason).await?;
        tx.commit().await?;
        Ok(lifecycle)
    }
}
