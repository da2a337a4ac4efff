//! Until when the table may be trusted to allow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the table is worth at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No lease was ever held: nothing is allowed.
    NotReady,
    /// A lease is held: the table decides.
    Fresh,
    /// The lease ran out: nothing is allowed, unless an operator chose to serve known devices.
    Stale,
}

/// The instant at which allowing ends, readable without a lock.
///
/// Kept as nanoseconds after `origin` plus one, so that 0 means "never was".
#[derive(Debug)]
pub(super) struct Deadline {
    origin: Instant,
    nanos: AtomicU64,
}

impl Deadline {
    pub(super) fn new(origin: Instant) -> Self {
        Self {
            origin,
            nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, at: Instant) {
        self.nanos
            .store(self.since_origin(at).max(1), Ordering::Release);
    }

    /// Ends allowing at once; a table that was fresh before is stale now.
    pub(super) fn lapse(&self) {
        if self.nanos.load(Ordering::Acquire) != 0 {
            self.nanos.store(1, Ordering::Release);
        }
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        match self.nanos.load(Ordering::Acquire) {
            0 => Standing::NotReady,
            deadline if self.since_origin(now) < deadline => Standing::Fresh,
            _ => Standing::Stale,
        }
    }

    /// How long allowing may still go on.
    pub(super) fn left(&self, now: Instant) -> Duration {
        let deadline = self.nanos.load(Ordering::Acquire);
        Duration::from_nanos(deadline.saturating_sub(self.since_origin(now)))
    }

    fn since_origin(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.origin).as_nanos();
        // 584 years of uptime.
        u64::try_from(nanos).unwrap_or(u64::MAX).saturating_add(1)
    }
}
