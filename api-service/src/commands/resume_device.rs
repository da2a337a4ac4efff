//! `POST /api/v1/devices/{id}/resume`: a suspended device may connect again.
//!
//! The hooks let it in as soon as they have applied the change. Our ban on the broker, if one still
//! stands, is lifted through the outbox, after the earlier entries of the device: those find it
//! allowed again and do nothing. Asking again changes nothing and gives the same answer.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schema::{DeviceId, Lifecycle};
use serde_json::json;
use utoipa::ToSchema;

use super::effect::DeviceChanged;
use super::run::{Command, Failure, to_its_end};
use super::suspend_device::{read_reason, revoked};
use crate::api::Api;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::path::DevicePath;
use crate::outbox::{kind, worker};
use crate::problem::{Code, Problem, ProblemView};

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = ResumeDevice)]
#[expect(
    dead_code,
    reason = "describes the body that `read_reason` reads field by field"
)]
pub(crate) struct Wire {
    /// Why, for the record: free words.
    #[schema(min_length = 1, max_length = 64, example = "subscription paid")]
    reason: Option<String>,
}

/// Resumes a suspended device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/resume", operation_id = "resumeDevice",
    tag = "devices", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    request_body = Option<Wire>,
    responses(
        (status = 202, body = DeviceChanged,
            description = "Resumed; our ban is being lifted. Repeating it is harmless"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The device is revoked, or was never suspended"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    OptionalBody(fields): OptionalBody,
) -> Result<(StatusCode, Json<DeviceChanged>), Problem> {
    account.require(Right::Suspend)?;
    let reason = read_reason(fields)?;
    let done = to_its_end(&api, &Resume { id: &id, reason }).await?;
    worker::wake(&api.outbox_wake);

    let connection = api.store.connect().await?;
    let operation = connection
        .latest_operation(&id, kind::LIFT_DEVICE_BAN)
        .await?;
    if done.was_allowed && operation.is_none() {
        let detail = "the device is not suspended and never was";
        return Err(Problem::new(Code::DeviceNotSuspended, detail));
    }
    let answer = DeviceChanged::new(id.to_string(), done.lifecycle, false, operation);
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

struct Resume<'a> {
    id: &'a DeviceId,
    reason: Option<Label>,
}

struct Resumed {
    lifecycle: Lifecycle,
    /// It was not suspended: a repetition, or a mistake.
    was_allowed: bool,
}

impl Command for Resume<'_> {
    type Done = Resumed;

    async fn once(&self, api: &Api) -> Result<Resumed, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("resume_device").await?;
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        let lifecycle = device.lifecycle;
        if lifecycle == Lifecycle::Revoked {
            return Err(revoked().into());
        }
        if device.suspended {
            tx.set_suspended(self.id, false).await?;
            let reason = self.reason.as_ref().map(Label::as_str);
            let payload = json!({"reason": reason});
            tx.add_to_outbox(kind::LIFT_DEVICE_BAN, self.id, &payload)
                .await?;
            tx.commit().await?;
        }
        Ok(Resumed {
            lifecycle,
            was_allowed: !device.suspended,
        })
    }
}
