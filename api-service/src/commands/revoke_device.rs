//! `POST /api/v1/devices/{id}/revoke`: a device is out for good.
//!
//! Its certificates are revoked and the end of its sessions is put into the outbox in the same
//! transaction. The hooks deny it as soon as they have applied the change; the worker ends what is
//! connected. Asking again changes nothing and gives the same answer.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certs::RevocationReason;
use schema::{DeviceId, Lifecycle};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::RUNS_MAX;
use crate::api::Api;
use crate::domain::reason;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::fields::Fields;
use crate::edge::path::DevicePath;
use crate::edge::wait::WaitFor;
use crate::outbox::{OperationState, kind, progress, worker};
use crate::problem::{Problem, ProblemView};
use crate::store::StoreError;
use crate::store::outbox::OperationRow;
use crate::views::{LifecycleView, ProgressView};

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = RevokeDevice)]
#[expect(
    dead_code,
    reason = "describes the body that `read` reads field by field"
)]
pub(crate) struct Wire {
    /// `unspecified` (default), `keyCompromise`, `affiliationChanged`, `superseded`,
    /// `cessationOfOperation` or `privilegeWithdrawn` (RFC 5280 section 5.3.1).
    #[schema(example = "keyCompromise")]
    reason: Option<String>,
}

/// The revoked device, and what is under way for it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevokedDevice {
    /// The device's id.
    device_id: String,
    /// `revoked`.
    lifecycle: LifecycleView,
    /// The number of the change: a hook replica that has applied it denies the device.
    change_number: Option<i64>,
    /// The operation that ends the device's sessions: `GET /api/v1/operations/{operation}`.
    operation: Option<i64>,
    /// Where that operation stands.
    operation_state: Option<OperationState>,
    /// How far it is. Absent when the operation is older than thirty days.
    #[serde(flatten)]
    progress: Option<ProgressView>,
}

/// Revokes a device for good.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/revoke", operation_id = "revokeDevice",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "The device's id"),
        ("wait" = Option<String>, Query, description = "`closed`: answer when the live session is \
         gone; `complete`: when nothing that began before can come back. For at most 8 seconds: \
         then the answer is 202 with what is known"),
    ),
    request_body = Option<Wire>,
    responses(
        (status = 200, body = RevokedDevice,
            description = "Revoked, and what was waited for is reached"),
        (status = 202, body = RevokedDevice,
            description = "Revoked; its sessions are being ended. Repeating it is harmless"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
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
) -> Result<(StatusCode, Json<RevokedDevice>), Problem> {
    account.require(Right::Revoke)?;
    let reason = read(fields)?;
    if !to_its_end(&api, &id, reason).await? {
        return Err(Problem::unknown_device());
    }
    worker::wake(&api.outbox_wake);
    api.lists.outdate();

    // The number is given at commit, so it is read after it; a repetition finds the same row.
    let connection = api.store.connect().await?;
    let operation = connection
        .latest_operation(&id, kind::END_DEVICE_SESSIONS)
        .await?;
    drop(connection);
    let operation = match (operation, phase) {
        (Some(row), Some(phase)) => Some(progress::wait(&api, row, phase).await?),
        (operation, _) => operation,
    };
    let is_reached = |row: &OperationRow| phase.is_some_and(|p| progress::has_reached(row, p));
    let status = match &operation {
        Some(row) if is_reached(row) => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    let revoked = RevokedDevice {
        device_id: id.to_string(),
        lifecycle: LifecycleView::Revoked,
        change_number: operation.as_ref().and_then(|row| row.change_number),
        operation: operation.as_ref().map(|row| row.id),
        operation_state: operation.as_ref().map(|row| row.state),
        progress: operation.map(ProgressView::from),
    };
    Ok((status, Json(revoked)))
}

fn read(mut fields: Fields) -> Result<RevocationReason, Problem> {
    let reason = fields.optional("reason", reason::parse);
    fields.finish()?;
    Ok(reason.unwrap_or(RevocationReason::Unspecified))
}

/// Runs the command, again from its start when the database asks for it.
async fn to_its_end(
    api: &Api,
    id: &DeviceId,
    reason: RevocationReason,
) -> Result<bool, StoreError> {
    for _ in 1..RUNS_MAX {
        match revoke(api, id, reason).await {
            Err(error) if error.is_retry() => {}
            other => return other,
        }
    }
    revoke(api, id, reason).await
}

/// Revokes; `false` if there is no such device.
async fn revoke(api: &Api, id: &DeviceId, reason: RevocationReason) -> Result<bool, StoreError> {
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("revoke_device").await?;
    let Some(device) = tx.lock_device(id).await? else {
        return Ok(false);
    };
    if device.lifecycle == Lifecycle::Revoked {
        return Ok(true);
    }
    tx.revoke_device(id).await?;
    tx.revoke_certificates(id, reason).await?;
    let payload = json!({"reason": reason.as_str()});
    tx.add_to_outbox(kind::END_DEVICE_SESSIONS, id, &payload)
        .await?;
    tx.commit().await?;
    Ok(true)
}
