//! `GET /api/v1/hook-replicas`: the processes of hook-service that hold a lease, and whether they live.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::problem::{Problem, ProblemView};
use crate::replicas::{Judged, ReplicaState};

/// The processes of hook-service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplicasView {
    /// By their names. A process that ended in an orderly way has none; one that was killed stays
    /// until somebody declares it dead.
    replicas: Vec<ReplicaView>,
}

/// A process of hook-service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReplicaView {
    /// This run of the process: a new one for each start and each lapse.
    #[schema(value_type = String, format = "uuid")]
    process_uuid: Uuid,
    /// Its configured name.
    name: String,
    /// Whether it lives.
    state: ReplicaState,
    /// For how long this replica of the API has seen its counter where it is, in milliseconds.
    still_for_ms: u64,
    /// How long its lease counts after a renewal, in milliseconds. `null` if it never runs out, since
    /// the process is set to go on with what it knows (`HOOK_SERVE_KNOWN`).
    lease_ms: Option<i32>,
    /// The newest change that it has applied.
    applied: i64,
    /// So many changes are newer.
    behind: i64,
    /// How often it has renewed.
    renewals: i64,
}

/// The processes of hook-service that hold a lease.
#[utoipa::path(
    get, path = "/api/v1/hook-replicas", operation_id = "listHookReplicas",
    tag = "operations", security(("bearer" = [])),
    responses(
        (status = 200, body = ReplicasView, description = "The processes"),
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
) -> Result<Json<ReplicasView>, Problem> {
    account.require(Right::Operate)?;
    let judged = api.replicas.look(&api).await?;
    Ok(Json(ReplicasView {
        replicas: judged.into_iter().map(ReplicaView::from).collect(),
    }))
}

/// Whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl From<Judged> for ReplicaView {
    fn from(judged: Judged) -> Self {
        let Judged {
            row,
            state,
            still_for,
            is_left_behind: _,
        } = judged;
        Self {
            process_uuid: row.process,
            name: row.name,
            state,
            still_for_ms: milliseconds(still_for),
            lease_ms: lease::longest_silence(row.length_ms).map(|_| row.length_ms),
            applied: row.applied,
            behind: (row.newest - row.applied).max(0),
            renewals: row.renewals,
        }
    }
}
