//! Who may be let in, decided from what the API promised and from nothing else.
//!
//! A device that was revoked may still be let in until the API has said that the fence is passed. From
//! then on an accepted connect that *began* later is a wrong allow. Once the API has said `complete`,
//! no connect at all may be accepted and no session may be left. A stranger is never let in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// What is known of one device.
#[derive(Debug, Clone, Default)]
struct Known {
    stranger: bool,
    asked: bool,
    fenced: Option<Instant>,
    complete: Option<Instant>,
    /// When the connect began that the live session came of.
    session: Option<Instant>,
    accepted: Option<Instant>,
    /// When the session ended that lived when the revoke was called.
    closed: Option<Instant>,
    refused_after_complete: u64,
    escaped: bool,
}

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which device.
    pub device: String,
    /// What happened, in a sentence.
    pub what: &'static str,
}

/// Counts of everything that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Judged {
    /// Connects that were accepted.
    pub accepted: u64,
    /// Connects that were refused by a CONNACK.
    pub refused: u64,
    /// Connects without an answer: faults look like this.
    pub unanswered: u64,
    /// Devices for which a revoke was called.
    pub revoked: u64,
    /// Of those, whose operation is complete.
    pub complete: u64,
    /// Of those, refused at least once afterwards.
    pub refused_after: u64,
    /// Allowed after the fence, or a stranger.
    pub wrong_allows: u64,
    /// Let in before the fence and still there, or back, after `complete`.
    pub escaped: u64,
}

/// The oracle. Every device of a run is known to it by its id.
#[derive(Debug, Default)]
pub struct Oracle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    devices: HashMap<String, Known>,
    accepted: u64,
    refused: u64,
    unanswered: u64,
    wrong_allows: u64,
    violations: Vec<Violation>,
}

/// A connect that was begun.
#[derive(Debug, Clone, Copy)]
pub struct Attempt(Instant);

impl Oracle {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A device that must never be let in: nobody registered it.
    pub fn stranger(&self, device: &str) {
        self.state().of(device).stranger = true;
    }

    /// A connect begins now.
    pub fn begins(&self) -> Attempt {
        Attempt(Instant::now())
    }

    /// The connect was accepted: from now on there is a session.
    pub fn accepted(&self, device: &str, attempt: Attempt) {
        let mut state = self.state();
        state.accepted += 1;
        let known = state.of(device);
        known.session = Some(attempt.0);
        known.accepted = Some(attempt.0);
        let wrong = if known.stranger {
            Some("a stranger was let in")
        } else if known.fenced.is_some_and(|fenced| attempt.0 > fenced) {
            Some("a connect that began after the fence was accepted")
        } else if known.complete.is_some() {
            known.escaped = true;
            Some(ESCAPED_LATE)
        } else {
            None
        };
        if let Some(what) = wrong {
            if what != ESCAPED_LATE {
                state.wrong_allows += 1;
            }
            state.violated(device, what);
        }
    }

    /// The connect was refused with a CONNACK.
    pub fn refused(&self, device: &str, attempt: Attempt) {
        let mut state = self.state();
        state.refused += 1;
        let known = state.of(device);
        if known.complete.is_some_and(|complete| attempt.0 > complete) {
            known.refused_after_complete += 1;
        }
    }

    /// There was no answer.
    pub fn unanswered(&self) {
        self.state().unanswered += 1;
    }

    /// The device's session has ended.
    pub fn ended(&self, device: &str) {
        let mut state = self.state();
        let known = state.of(device);
        known.session = None;
        if known.asked {
            known.closed.get_or_insert_with(Instant::now);
        }
    }

    /// When the device first saw its session end after the revoke was called.
    pub fn closed_at(&self, device: &str) -> Option<Instant> {
        self.state().of(device).closed
    }

    /// A revoke of the device is being called.
    pub fn revoke_called(&self, device: &str) {
        self.state().of(device).asked = true;
    }

    /// The API has said that the fence is passed.
    pub fn fenced(&self, device: &str) {
        let known = &mut *self.state();
        known.of(device).fenced.get_or_insert_with(Instant::now);
    }

    /// The API has said that the operation is complete.
    pub fn complete(&self, device: &str) {
        let state = &mut *self.state();
        let (known, now) = (state.of(device), Instant::now());
        known.fenced.get_or_insert(now);
        known.complete.get_or_insert(now);
    }

    /// Whether a revoke of the device was called, answered or not.
    pub fn is_condemned(&self, device: &str) -> bool {
        let mut state = self.state();
        let known = state.of(device);
        known.asked || known.stranger
    }

    /// Whether the API has said `complete`.
    pub fn is_complete(&self, device: &str) -> bool {
        self.state().of(device).complete.is_some()
    }

    /// Whether the device has been refused at least once after `complete`.
    pub fn was_refused_after(&self, device: &str) -> bool {
        self.state().of(device).refused_after_complete > 0
    }

    /// Whether the device has a session, as far as it knows.
    pub fn has_session(&self, device: &str) -> bool {
        self.state().of(device).session.is_some()
    }

    /// Whether the device was let in by a connect that began after `moment`.
    pub fn accepted_since(&self, device: &str, moment: Instant) -> bool {
        let mut state = self.state();
        state.of(device).accepted.is_some_and(|at| at > moment)
    }

    /// Complete devices that still have a session, as far as they know.
    pub fn lingering(&self) -> Vec<String> {
        let state = self.state();
        let lingers = |known: &Known| known.complete.is_some() && known.session.is_some();
        let found = state.devices.iter().filter(|(_, known)| lingers(known));
        found.map(|(device, _)| device.clone()).collect()
    }

    /// Complete devices that nobody has seen refused afterwards yet.
    pub fn not_refused_yet(&self) -> Vec<String> {
        let state = self.state();
        let missing = |known: &Known| known.complete.is_some() && known.refused_after_complete == 0;
        let found = state.devices.iter().filter(|(_, known)| missing(known));
        found.map(|(device, _)| device.clone()).collect()
    }

    /// The session of a complete device has not ended although it was waited for.
    pub fn escaped(&self, device: &str) {
        let mut state = self.state();
        state.of(device).escaped = true;
        state.violated(device, "a session was left after `complete`");
    }

    /// Everything that must never happen and did.
    pub fn violations(&self) -> Vec<Violation> {
        self.state().violations.clone()
    }

    /// The counts.
    pub fn judged(&self) -> Judged {
        let state = self.state();
        let count = |holds: &dyn Fn(&Known) -> bool| {
            state.devices.values().filter(|known| holds(known)).count() as u64
        };
        Judged {
            accepted: state.accepted,
            refused: state.refused,
            unanswered: state.unanswered,
            revoked: count(&|known| known.asked),
            complete: count(&|known| known.complete.is_some()),
            refused_after: count(&|known| known.refused_after_complete > 0),
            wrong_allows: state.wrong_allows,
            escaped: count(&|known| known.escaped),
        }
    }
}

const ESCAPED_LATE: &str = "a connect from before the fence was accepted after `complete`";

impl State {
    fn of(&mut self, device: &str) -> &mut Known {
        self.devices.entry(device.to_owned()).or_default()
    }

    fn violated(&mut self, device: &str, what: &'static str) {
        self.violations.push(Violation {
            device: device.to_owned(),
            what,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_that_began_before_the_fence_may_be_accepted_until_complete() {
        let oracle = Oracle::default();
        let attempt = oracle.begins();
        oracle.revoke_called("a");
        oracle.fenced("a");
        oracle.accepted("a", attempt);
        assert_eq!(oracle.violations(), []);
        assert!(oracle.has_session("a"));
        oracle.complete("a");
        assert_eq!(oracle.lingering(), ["a"]);
        oracle.ended("a");
        assert!(oracle.lingering().is_empty());
        oracle.accepted("a", attempt);
        let judged = oracle.judged();
        assert_eq!((judged.wrong_allows, judged.escaped), (0, 1));
        assert_eq!(oracle.violations().len(), 1);
    }

    #[test]
    fn a_connect_that_began_after_the_fence_is_a_wrong_allow() {
        let oracle = Oracle::default();
        oracle.fenced("a");
        oracle.accepted(
            "a",
            Attempt(Instant::now() + std::time::Duration::from_nanos(1)),
        );
        assert_eq!(oracle.judged().wrong_allows, 1);
        assert_eq!(oracle.violations()[0].device, "a");
    }

    #[test]
    fn a_stranger_is_never_let_in_and_is_no_survivor() {
        let oracle = Oracle::default();
        oracle.stranger("x");
        assert!(oracle.is_condemned("x") && !oracle.is_condemned("y"));
        oracle.accepted("x", oracle.begins());
        assert_eq!(oracle.judged().wrong_allows, 1);
    }

    #[test]
    fn a_refusal_counts_only_if_its_connect_began_after_complete() {
        let oracle = Oracle::default();
        let early = oracle.begins();
        oracle.complete("a");
        oracle.refused("a", early);
        assert_eq!(oracle.not_refused_yet(), ["a"]);
        oracle.refused(
            "a",
            Attempt(Instant::now() + std::time::Duration::from_nanos(1)),
        );
        assert!(oracle.was_refused_after("a") && oracle.not_refused_yet().is_empty());
        assert_eq!(oracle.judged().refused_after, 1);
    }
}
