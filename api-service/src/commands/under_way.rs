//! What a command answers of the operation that carries it to the broker, and the wait for that.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::outbox::{OperationState, Phase, progress};
use crate::problem::Problem;
use crate::store::outbox::OperationRow;
use crate::views::ProgressView;

/// What is under way. All is absent without an operation: when it is older than thirty days, or for a
/// certificate that ended together with its device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnderWay {
    /// The number of the change: a hook replica that has applied it decides by it.
    change_number: Option<i64>,
    /// The operation that carries the change to the broker: `GET /api/v1/operations/{operation}`.
    operation: Option<i64>,
    /// Where that operation stands.
    operation_state: Option<OperationState>,
    /// How far it is.
    #[serde(flatten)]
    progress: Option<ProgressView>,
}

impl From<Option<OperationRow>> for UnderWay {
    fn from(operation: Option<OperationRow>) -> Self {
        Self {
            change_number: operation.as_ref().and_then(|row| row.change_number),
            operation: operation.as_ref().map(|row| row.id),
            operation_state: operation.as_ref().map(|row| row.state),
            progress: operation.map(ProgressView::from),
        }
    }
}

/// Waits for as far as the caller wants to know of an operation. 200 says that it came so far, 202
/// that it is under way.
pub(super) async fn await_phase(
    api: &Api,
    operation: Option<OperationRow>,
    phase: Option<Phase>,
) -> Result<(StatusCode, Option<OperationRow>), Problem> {
    let (Some(row), Some(phase)) = (&operation, phase) else {
        return Ok((StatusCode::ACCEPTED, operation));
    };
    let row = progress::wait(api, row.clone(), phase).await?;
    let status = if progress::has_reached(&row, phase) {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Some(row)))
}
