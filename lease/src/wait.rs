//! One wait for one change: which leases it waits for, and what became of each.

use std::collections::BTreeMap;
use std::time::Instant;

use uuid::Uuid;

use crate::head::History;
use crate::judge::{Judge, Look};

/// Why a lease is waited for no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// Its process has applied the change.
    Applied,
    /// Its counter stood still for its length and a tenth.
    Lapsed,
    /// Its row was deleted: by its own process, which ended or took a new lease, or by an
    /// administrator who answers for it.
    Gone,
}

/// What became of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is waited for no more.
    pub how: How,
    /// When that was known.
    pub at: Instant,
}

/// A wait until no process allows what a change forbids. Begun after the change was committed.
#[derive(Debug)]
pub struct Wait {
    number: i64,
    begun: Instant,
    history: Option<History>,
    histories: u32,
    was_there: bool,
    leases: BTreeMap<Uuid, Option<Verdict>>,
}

impl Wait {
    /// Waits for `number`, which is committed. Looks sent before `begun` prove nothing for it.
    pub fn new(number: i64, begun: Instant) -> Self {
        Self {
            number,
            begun,
            history: None,
            histories: 0,
            was_there: false,
            leases: BTreeMap::new(),
        }
    }

    /// Takes a look into account that `judge` has taken too. Says whether the wait is over.
    pub fn look(&mut self, judge: &Judge, look: &Look<'_>) -> bool {
        if look.sent < self.begun || judge.history() != Some(look.history) {
            return false;
        }
        if look.newest >= self.number {
            self.was_there = true;
        } else if !self.was_there {
            // A primary that was replaced, and that this process did not know to be: the change is
            // committed elsewhere, and so are the leases.
            return false;
        }
        if self.history.as_ref() != judge.history() {
            // What was applied in another history says nothing here.
            self.history = judge.history().cloned();
            self.histories += 1;
            self.leases.clear();
        }
        // A failover can lose the change. Then there is nothing to wait for but what is left.
        let number = self.number.min(look.newest);
        for (process, verdict) in &mut self.leases {
            if verdict.is_none() && !look.rows.iter().any(|row| row.process == *process) {
                *verdict = Some(Verdict::new(How::Gone, look));
            }
        }
        for row in look.rows {
            let verdict = self.leases.entry(row.process).or_default();
            if verdict.is_none() {
                *verdict = if row.applied >= number {
                    Some(Verdict::new(How::Applied, look))
                } else if judge.has_lapsed(row.process) {
                    Some(Verdict::new(How::Lapsed, look))
                } else {
                    None
                };
            }
        }
        !judge.holds(look.sent) && self.leases.values().all(Option::is_some)
    }

    /// The leases met so far. `None` is one that is still waited for.
    pub fn leases(&self) -> impl Iterator<Item = (Uuid, Option<Verdict>)> + '_ {
        self.leases
            .iter()
            .map(|(process, verdict)| (*process, *verdict))
    }

    /// Whether the database changed its history during the wait: the change may be lost.
    pub fn saw_failover(&self) -> bool {
        self.histories > 1
    }

    /// Since when it waits.
    pub fn begun(&self) -> Instant {
        self.begun
    }
}

impl Verdict {
    fn new(how: How, look: &Look<'_>) -> Self {
        Self {
            how,
            at: look.received,
        }
    }
}
