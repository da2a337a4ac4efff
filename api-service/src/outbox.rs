//! Effects that must reach the world outside the database, carried by a worker after the commit.
//!
//! At least once, in order per device, retried for ever with a growing pause. What is done depends
//! on the device's state at that time and not on what the entry says: an old entry can do no harm.

use schema::words::{OUTBOX_DEAD, OUTBOX_DONE, OUTBOX_PENDING};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) mod backoff;
pub(crate) mod end_sessions;
pub(crate) mod worker;

/// Kinds of entries that this version carries out.
pub(crate) mod kind {
    /// A device's sessions on the broker must end.
    pub(crate) const END_DEVICE_SESSIONS: &str = "end_device_sessions";

    /// All of them.
    pub(crate) const ALL: &[&str] = &[END_DEVICE_SESSIONS];
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OperationState {
    /// Not carried out yet; tried again until it is.
    Pending,
    /// Carried out.
    Done,
    /// Given up by an operator.
    Dead,
}

impl OperationState {
    /// Reads the database's word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            OUTBOX_PENDING => Self::Pending,
            OUTBOX_DONE => Self::Done,
            OUTBOX_DEAD => Self::Dead,
            _ => return None,
        })
    }
}
