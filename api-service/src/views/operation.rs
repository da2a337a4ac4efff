//! What callers are shown of an operation: how far it is, when each step was through, what is left.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::outbox::timeline::{At, ClusterProgress, ClusterState, Durability, Fence, How, Replica};
use crate::outbox::{OperationState, kind};
use crate::store::outbox::OperationRow;

/// Something under way outside the database.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationView {
    /// Its id.
    pub(crate) id: i64,
    /// What it does: `end_device_sessions`, `end_certificate_session`, `lift_device_ban` or
    /// `end_account_sessions`.
    pub(crate) kind: String,
    /// For which device, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) device_id: Option<String>,
    /// For which account, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) account_id: Option<String>,
    /// The number of the change that caused it.
    pub(crate) change_number: Option<i64>,
    /// Where it stands.
    pub(crate) state: OperationState,
    /// The operation that took its place.
    pub(crate) superseded_by: Option<i64>,
    /// How far it is.
    #[serde(flatten)]
    pub(crate) progress: ProgressView,
    /// How often it was tried.
    pub(crate) attempts: i32,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: OffsetDateTime,
    /// When it was done.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) done_at: Option<OffsetDateTime>,
}

/// How far an operation is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProgressView {
    /// When each step was through. A step that is missing is not through.
    pub(crate) timeline: TimelineView,
    /// What a failover of the database can take back; known with the fence.
    pub(crate) durability: Option<DurabilityView>,
    /// Each cluster of the broker; empty without one, and then no session was ended.
    pub(crate) clusters: Vec<ClusterView>,
    /// Why the last attempt failed, or what is not done.
    pub(crate) last_error: Option<String>,
}

/// When each step was through, in milliseconds after `committedAt`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimelineView {
    /// When the command's transaction began, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) committed_at: OffsetDateTime,
    /// From here on no replica of hook-service allows what the change forbids.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) fenced: Option<FencedView>,
    /// Every cluster had taken the ban or the first kick.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) kicked: Option<AfterView>,
    /// The live session is gone on every cluster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) closed: Option<AfterView>,
    /// Nothing that began before can come back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) complete: Option<AfterView>,
}

/// A moment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AfterView {
    /// Milliseconds after `committedAt`.
    pub(crate) after_ms: u64,
}

/// The fence.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FencedView {
    /// Milliseconds after `committedAt`.
    pub(crate) after_ms: u64,
    /// Every replica of hook-service that was waited for.
    pub(crate) replicas: Vec<FencedReplicaView>,
}

/// A replica of hook-service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FencedReplicaView {
    /// What operators call it.
    pub(crate) name: String,
    /// Why it is waited for no more.
    pub(crate) how: HowView,
    /// Milliseconds after the wait began.
    pub(crate) after_ms: u64,
}

/// Why a replica is waited for no more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum HowView {
    /// It has applied the change.
    Applied,
    /// Its lease ran out, so it allows nothing.
    Lapsed,
    /// It gave its lease back, or an operator declared it dead.
    Gone,
}

/// What a failover of the database can take back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum DurabilityView {
    /// The change, if the standby that takes over did not have it.
    Local,
    /// Nothing: a synchronous standby has it on disk.
    Replicated,
}

/// A cluster of the broker.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterView {
    /// Its name in the settings.
    pub(crate) name: String,
    /// How far it is.
    pub(crate) state: ClusterStateView,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) error: Option<String>,
}

/// How far a cluster is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ClusterStateView {
    /// Nothing has reached it.
    Waiting,
    /// It has taken the ban or the first kick.
    Kicked,
    /// The live session is gone.
    Closed,
    /// Nothing that began before can come back.
    Complete,
}

impl From<OperationRow> for OperationView {
    fn from(row: OperationRow) -> Self {
        let subject = Some(row.subject.clone());
        let (device_id, account_id) = match row.kind.as_str() {
            kind::END_ACCOUNT_SESSIONS => (None, subject),
            _ => (subject, None),
        };
        Self {
            id: row.id,
            kind: row.kind.clone(),
            device_id,
            account_id,
            change_number: row.change_number,
            state: row.state,
            superseded_by: row.superseded_by,
            attempts: row.attempts,
            created_at: row.created_at,
            done_at: row.done_at,
            progress: row.into(),
        }
    }
}

impl From<OperationRow> for ProgressView {
    fn from(row: OperationRow) -> Self {
        let after = |at: At| AfterView {
            after_ms: at.after_ms,
        };
        let timeline = row.timeline;
        let durability = timeline.fenced.as_ref().map(|fence| fence.durability);
        Self {
            durability: durability.map(DurabilityView::from),
            timeline: TimelineView {
                committed_at: row.created_at,
                fenced: timeline.fenced.map(FencedView::from),
                kicked: timeline.kicked.map(after),
                closed: timeline.closed.map(after),
                complete: timeline.complete.map(after),
            },
            clusters: row.clusters.into_iter().map(ClusterView::from).collect(),
            last_error: row.last_error,
        }
    }
}

impl From<Fence> for FencedView {
    fn from(fence: Fence) -> Self {
        Self {
            after_ms: fence.after_ms,
            replicas: fence
                .replicas
                .into_iter()
                .map(FencedReplicaView::from)
                .collect(),
        }
    }
}

impl From<Replica> for FencedReplicaView {
    fn from(replica: Replica) -> Self {
        Self {
            name: replica.name,
            how: match replica.how {
                How::Applied => HowView::Applied,
                How::Lapsed => HowView::Lapsed,
                How::Gone => HowView::Gone,
            },
            after_ms: replica.after_ms,
        }
    }
}

impl From<Durability> for DurabilityView {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Local => Self::Local,
            Durability::Replicated => Self::Replicated,
        }
    }
}

impl From<ClusterProgress> for ClusterView {
    fn from(cluster: ClusterProgress) -> Self {
        Self {
            name: cluster.name,
            state: match cluster.state {
                ClusterState::Waiting => ClusterStateView::Waiting,
                ClusterState::Kicked => ClusterStateView::Kicked,
                ClusterState::Closed => ClusterStateView::Closed,
                ClusterState::Complete => ClusterStateView::Complete,
            },
            error: cluster.error,
        }
    }
}
