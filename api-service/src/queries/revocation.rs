//! `GET /api/v1/revocations/{id}`: how far a bulk revocation is.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::domain::selector::Selector;
use crate::edge::account::Account;
use crate::edge::path::RevocationPath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::bulk::BulkRow;
use crate::store::progress::{PhaseCounts, SlowRow};

/// Most devices shown as the slowest.
const SLOWEST_MAX: i64 = 10;

/// A bulk revocation and how far it is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevocationView {
    /// Its id.
    revocation: i64,
    /// What chose the devices.
    selector: SelectorView,
    /// Why (RFC 5280 section 5.3.1).
    reason: String,
    /// Where it stands.
    state: RevocationState,
    /// Devices that were to be revoked when the call came.
    selected: i64,
    /// Given ids that were no devices.
    unknown: i64,
    /// Devices revoked so far.
    revoked: i64,
    /// Those devices by how far they are.
    phases: PhasesView,
    /// The devices that are furthest behind, failed ones first; at most 10.
    slowest: Vec<SlowView>,
    /// Why the last chunk failed; it is tried again.
    last_error: Option<String>,
    /// When the call came.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When the last device was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    committed_at: Option<OffsetDateTime>,
}

/// What chose the devices; exactly one is there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SelectorView {
    /// So many ids were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<usize>,
    /// A model.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// A firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware_version: Option<String>,
    /// An authority's key identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
}

/// Where a bulk revocation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RevocationState {
    /// Devices are being revoked, at most 1,000 at a time.
    Running,
    /// Every device is revoked; sessions are being ended.
    Committed,
    /// No session that began before can come back.
    Complete,
    /// The end of some sessions was given up: see `slowest`.
    Failed,
}

/// So many devices are exactly this far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhasesView {
    /// Revoked in the database.
    committed: i64,
    /// No replica of the hooks lets them in any more.
    fenced: i64,
    /// The broker has no session of theirs.
    closed: i64,
    /// Nothing that began before can come back.
    complete: i64,
    /// Given up.
    failed: i64,
}

/// A device that is not at its end.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SlowView {
    /// Its operation: `GET /api/v1/operations/{operation}`.
    operation: i64,
    /// The device.
    device_id: String,
    /// How far it is: `committed`, `fenced`, `closed` or `failed`.
    phase: String,
    /// How often it was tried.
    attempts: i32,
    /// Why the last attempt failed.
    last_error: Option<String>,
    /// Seconds since it was revoked.
    age_s: f64,
}

/// How far a bulk revocation is.
#[utoipa::path(
    get, path = "/api/v1/revocations/{id}", operation_id = "getRevocation",
    tag = "devices", security(("bearer" = [])),
    params(("id" = i64, Path, description = "The bulk revocation's id")),
    responses(
        (status = 200, body = RevocationView, description = "How far it is"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    RevocationPath(id): RevocationPath,
) -> Result<Json<RevocationView>, Problem> {
    account.require(Right::ReadDevices)?;
    let connection = api.store.connect().await?;
    let row = connection.bulk_revocation(id).await?.ok_or_else(|| {
        Problem::new(
            Code::RevocationNotFound,
            "there is no bulk revocation of this id",
        )
    })?;
    let phases = connection.bulk_phases(id).await?;
    let slowest = connection.bulk_slowest(id, SLOWEST_MAX).await?;
    Ok(Json(RevocationView::new(row, phases, slowest)))
}

impl RevocationView {
    pub(crate) fn new(row: BulkRow, counts: PhaseCounts, slowest: Vec<SlowRow>) -> Self {
        let phases = PhasesView::new(row.revoked, counts);
        Self {
            revocation: row.id,
            selector: (&row.selector).into(),
            reason: row.reason,
            state: state(row.committed, row.revoked, phases),
            selected: row.selected,
            unknown: row.unknown,
            revoked: row.revoked,
            phases,
            slowest: slowest.into_iter().map(SlowView::from).collect(),
            last_error: row.last_error,
            created_at: row.created_at,
            committed_at: row.committed_at,
        }
    }
}

fn state(committed: bool, revoked: i64, phases: PhasesView) -> RevocationState {
    if !committed {
        RevocationState::Running
    } else if phases.complete == revoked {
        RevocationState::Complete
    } else if phases.complete + phases.failed == revoked {
        RevocationState::Failed
    } else {
        RevocationState::Committed
    }
}

impl PhasesView {
    /// What is at its end is not counted but left over, since it may be purged. Between the two reads
    /// a chunk may be committed; that never makes a number negative.
    fn new(revoked: i64, counts: PhaseCounts) -> Self {
        let PhaseCounts {
            committed,
            fenced,
            closed,
            failed,
        } = counts;
        Self {
            committed,
            fenced,
            closed,
            complete: (revoked - committed - fenced - closed - failed).max(0),
            failed,
        }
    }
}

impl From<&Selector> for SelectorView {
    fn from(selector: &Selector) -> Self {
        let value = selector.value();
        let mut view = Self {
            ids: selector.listed().map(|ids| ids.len()),
            model: None,
            firmware_version: None,
            issuer: None,
        };
        match selector {
            Selector::Ids(_) => {}
            Selector::Model(_) => view.model = value,
            Selector::FirmwareVersion(_) => view.firmware_version = value,
            Selector::Issuer(_) => view.issuer = value,
        }
        view
    }
}

impl From<SlowRow> for SlowView {
    fn from(row: SlowRow) -> Self {
        Self {
            operation: row.id,
            device_id: row.subject,
            phase: if row.failed {
                "failed".to_owned()
            } else {
                row.phase
            },
            attempts: row.attempts,
            last_error: row.last_error,
            age_s: row.age_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_under_way_nor_failed_is_complete() {
        let counts = |committed, failed| PhaseCounts {
            committed,
            failed,
            ..PhaseCounts::default()
        };
        let of = |committed, revoked, counts| {
            state(committed, revoked, PhasesView::new(revoked, counts))
        };
        assert_eq!(of(false, 0, counts(0, 0)), RevocationState::Running);
        assert_eq!(of(true, 0, counts(0, 0)), RevocationState::Complete);
        assert_eq!(of(true, 9, counts(1, 0)), RevocationState::Committed);
        assert_eq!(of(true, 9, counts(1, 8)), RevocationState::Committed);
        assert_eq!(of(true, 9, counts(0, 2)), RevocationState::Failed);
        assert_eq!(of(true, 9, counts(0, 0)), RevocationState::Complete);
        // A chunk of one was committed between the two reads.
        assert_eq!(PhasesView::new(9, counts(10, 0)).complete, 0);
    }
}
