//! Effects that must reach the world outside the database, carried by a worker after the commit.
//!
//! At least once, in order per device or account, retried for ever with a growing pause. What is done depends
//! on the device's state at that time and not on what the entry says: an old entry can do no harm.
//!
//! The way of an entry: `worker` claims it, `entry` leads it through its phases in a task of its own,
//! `ending` is what is asked of one cluster, `standing` decides before each step whether the step is
//! still right, and `progress` tells those who wait.

use schema::words::{
    OUTBOX_DEAD, OUTBOX_DONE, OUTBOX_PENDING, PHASE_CLOSED, PHASE_COMMITTED, PHASE_COMPLETE,
    PHASE_FENCED, PHASE_SUPERSEDED,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) mod allow;
pub(crate) mod backoff;
pub(crate) mod ending;
pub(crate) mod entry;
pub(crate) mod grouped;
pub(crate) mod progress;
pub(crate) mod standing;
pub(crate) mod timeline;
pub(crate) mod tools;
pub(crate) mod worker;

/// Kinds of entries that this version carries out.
pub(crate) mod kind {
    /// A device's sessions on the broker must end: it is revoked or suspended.
    pub(crate) const END_DEVICE_SESSIONS: &str = "end_device_sessions";

    /// The session that a certificate opened must end: the certificate is retired or revoked. The
    /// payload is `{"fingerprint": ".."}`, 64 hexadecimal digits in any case, with colons or without.
    pub(crate) const END_CERTIFICATE_SESSION: &str = "end_certificate_session";

    /// A device may connect again: what keeps it out on the broker must go.
    pub(crate) const LIFT_DEVICE_BAN: &str = "lift_device_ban";

    /// Every session of an account must end: it lost something that it had.
    pub(crate) use schema::words::END_ACCOUNT_SESSIONS;

    /// All of them.
    pub(crate) const ALL: &[&str] = &[
        END_DEVICE_SESSIONS,
        END_CERTIFICATE_SESSION,
        LIFT_DEVICE_BAN,
        END_ACCOUNT_SESSIONS,
    ];
}

/// How far an entry came, for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The command is committed.
    Committed,
    /// No replica of the hooks allows any more what the change forbids.
    Fenced,
    /// No session was left when last looked at.
    Closed,
    /// Nothing that began before can come back.
    Complete,
    /// Needless: the device's newer state or a newer entry says what is right.
    Superseded,
}

impl Phase {
    /// The database's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Committed => PHASE_COMMITTED,
            Self::Fenced => PHASE_FENCED,
            Self::Closed => PHASE_CLOSED,
            Self::Complete => PHASE_COMPLETE,
            Self::Superseded => PHASE_SUPERSEDED,
        }
    }

    /// Reads the database's word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [
            Self::Committed,
            Self::Fenced,
            Self::Closed,
            Self::Complete,
            Self::Superseded,
        ]
        .into_iter()
        .find(|phase| phase.word() == word)
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OperationState {
    /// Not carried out yet; tried again until it is.
    Pending,
    /// Carried out.
    Done,
    /// Needless: a newer operation or the device's newer state took its place.
    Superseded,
    /// Given up.
    Dead,
}

impl OperationState {
    /// Reads the database's words.
    pub(crate) fn from_words(state: &str, phase: Phase) -> Option<Self> {
        Some(match (state, phase) {
            (OUTBOX_PENDING, _) => Self::Pending,
            (OUTBOX_DONE, Phase::Superseded) => Self::Superseded,
            (OUTBOX_DONE, _) => Self::Done,
            (OUTBOX_DEAD, _) => Self::Dead,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_stand_in_the_order_in_which_they_come() {
        assert!(Phase::Committed < Phase::Fenced && Phase::Fenced < Phase::Closed);
        assert!(Phase::Closed < Phase::Complete);
        assert_eq!(Phase::from_word("closed"), Some(Phase::Closed));
        assert_eq!(Phase::from_word("open"), None);
    }

    #[test]
    fn what_was_needless_is_never_called_done() {
        let state = OperationState::from_words(OUTBOX_DONE, Phase::Superseded);
        assert_eq!(state, Some(OperationState::Superseded));
        assert_eq!(OperationState::from_words("lost", Phase::Closed), None);
    }
}
