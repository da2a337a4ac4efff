//! What an entry's steps saw and when, as it is stored. `views` has what callers are shown.

use serde::{Deserialize, Serialize};

/// When each step was through for the first time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timeline {
    /// No replica of the hooks allows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fenced: Option<Fence>,
    /// Every cluster took the ban or the first kick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kicked: Option<At>,
    /// No cluster had a session after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<At>,
    /// Nothing that began before can come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) complete: Option<At>,
}

/// A moment, in milliseconds after the command's transaction began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct At {
    pub(crate) after_ms: u64,
}

/// The fence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fence {
    pub(crate) after_ms: u64,
    pub(crate) durability: Durability,
    pub(crate) replicas: Vec<Replica>,
}

/// Whether the commit would survive the loss of the database's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    Local,
    Replicated,
}

/// What the fence saw of one replica of the hooks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) how: How,
    /// Since the wait for the fence began.
    pub(crate) after_ms: u64,
}

/// Why a replica need not be waited for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    Applied,
    Lapsed,
    Gone,
}

/// What one cluster of the broker came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClusterProgress {
    pub(crate) name: String,
    pub(crate) state: ClusterState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// How far a cluster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClusterState {
    /// Nothing reached it yet.
    Waiting,
    /// It took the ban or the first kick.
    Kicked,
    /// It had no session after that.
    Closed,
    /// Nothing that began before can come back.
    Complete,
}

impl ClusterProgress {
    /// A cluster that nothing has reached yet.
    pub(crate) fn waiting(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: ClusterState::Waiting,
            error: None,
        }
    }
}
