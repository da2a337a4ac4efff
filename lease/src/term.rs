//! One lease as its holder sees it: a name, a length, and the instant at which it ends.

use std::time::{Duration, Instant};

use uuid::Uuid;

/// A lease that was committed.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) process: Uuid,
    length: Duration,
    /// Its length after the instant before the last renewal was sent.
    until: Instant,
    renewed: Instant,
    /// What the row surely says is applied, as far as this link knows.
    told: Option<i64>,
    /// A renewal is on its way.
    pub(crate) is_renewing: bool,
}

impl Term {
    /// Begins with the instant before the lease was asked for.
    pub(crate) fn begin(process: Uuid, length: Duration, before: Instant) -> Self {
        Self {
            process,
            length,
            until: before + length,
            renewed: before,
            told: None,
            is_renewing: false,
        }
    }

    pub(crate) fn has_lapsed(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// A sixth of the length has passed: time for several attempts before it ends.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.renewed) >= self.length / 6
    }

    /// Whether the row may say something else.
    pub(crate) fn has_news(&self, applied: i64) -> bool {
        self.told != Some(applied)
    }

    pub(crate) fn told(&mut self, applied: i64) {
        self.told = Some(applied);
    }

    /// A new link: the server may have lost what was told without waiting for its disk, and an answer
    /// that was on its way is lost.
    pub(crate) fn linked(&mut self) {
        self.told = None;
        self.is_renewing = false;
    }

    /// Extends the lease and gives its new end; `None` if the answer came after it ran out, because
    /// a waiter may have seen an unchanged counter for the whole length and gone on without us.
    pub(crate) fn renewed(&mut self, before: Instant, now: Instant) -> Option<Instant> {
        if self.has_lapsed(now) {
            return None;
        }
        self.until = before + self.length;
        self.renewed = before;
        Some(self.until)
    }
}
