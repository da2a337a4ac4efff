//! `POST /api/v1/devices/{id}/suspend`: a device is kept out until it is resumed.
//!
//! The hooks deny it as soon as they have applied the change; the end of its sessions is put into the
//! outbox in the same transaction. Its certificates stay as they are. Asking again changes nothing and
//! gives the same answer.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schema::{DeviceId, Lifecycle};
use serde_json::json;
use utoipa::ToSchema;

use super::effect::{DeviceChanged, await_phase};
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::fields::Fields;
use crate::edge::path::DevicePath;
use crate::edge::wait::WaitFor;
use crate::outbox::{kind, worker};
use crate::problem::{Code, Problem, ProblemView};

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = SuspendDevice)]
#[expect(
    dead_code,
    reason = "describes the body that `read_reason` reads field by field"
)]
pub(crate) struct Wire {
    /// Why, for the record: free words.
    #[schema(min_length = 1, max_length = 64, example = "subscription ended")]
    reason: Option<String>,
}

/// Suspends a device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/suspend", operation_id = "suspendDevice",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        ("wait" = Option<String>, Query, description = "`closed`: answer when the live session is \
         gone; `complete`: when nothing that began before can come back. For at most 8 seconds: \
         then the answer is 202 with what is known"),
    ),
    request_body = Option<Wire>,
    responses(
        (status = 200, body = DeviceChanged,
            description = "Suspended, and what was waited for is reached"),
        (status = 202, body = DeviceChanged,
            description = "Suspended; its sessions are being ended. Repeating it is harmless"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The device is revoked"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
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
    let reason = read_reason(fields)?;
    let lifecycle = to_its_end(&api, &Suspend { id: &id, reason }).await?;
    worker::wake(&api.outbox_wake);

    // The number is given at commit, so it is read after it; a repetition finds the same row.
    let connection = api.store.connect().await?;
    let operation = connection
        .latest_operation(&id, kind::END_DEVICE_SESSIONS)
        .await?;
    drop(connection);
    let (status, operation) = await_phase(&api, operation, phase).await?;
    let answer = DeviceChanged::new(id.to_string(), lifecycle, true, operation);
    Ok((status, Json(answer)))
}

/// The reason that both suspending and resuming may be given.
pub(super) fn read_reason(mut fields: Fields) -> Result<Option<Label>, Problem> {
    let reason = fields.optional("reason", Label::parse);
    fields.finish()?;
    Ok(reason)
}

/// A device that is out for good is neither suspended nor resumed.
pub(super) fn revoked() -> Problem {
    let detail = "the device is revoked for good; it is neither suspended nor resumed";
    Problem::new(Code::DeviceRevoked, detail)
}

struct Suspend<'a> {
    id: &'a DeviceId,
    reason: Option<Label>,
}

impl Command for Suspend<'_> {
    type Done = Lifecycle;

    async fn once(&self, api: &Api) -> Result<Lifecycle, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("suspend_device").await?;
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        if device.lifecycle == Lifecycle::Revoked {
            return Err(revoked().into());
        }
        if device.suspended {
            return Ok(device.lifecycle);
        }
        tx.set_suspended(self.id, true).await?;
        let reason = self.reason.as_ref().map(Label::as_str);
        let payload = json!({"why": "suspended", "reason": reason});
        tx.add_to_outbox(kind::END_DEVICE_SESSIONS, self.id, &payload)
            .await?;
        tx.commit().await?;
        Ok(device.lifecycle)
    }
}
