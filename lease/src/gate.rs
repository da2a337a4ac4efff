//! What a decision looks at last: until when allowing is allowed, and whether the table changed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a table is worth at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No lease was ever held: nothing is allowed.
    NotReady,
    /// A lease is held: the table decides.
    Fresh,
    /// The lease ran out: nothing is allowed, unless an operator chose to serve known devices.
    Stale,
}

/// Read by every decision without a lock, set by the one task that keeps the table.
///
/// The deadline is kept as nanoseconds after `origin` plus one, so that 0 means "never was".
#[derive(Debug)]
pub struct Gate {
    origin: Instant,
    deadline: AtomicU64,
    edition: AtomicU64,
}

impl Gate {
    /// A gate that was never open. `origin` is the instant that its own clock starts from.
    pub fn new(origin: Instant) -> Self {
        Self {
            origin,
            deadline: AtomicU64::new(0),
            edition: AtomicU64::new(0),
        }
    }

    /// Allows until `at`.
    pub fn open_until(&self, at: Instant) {
        self.deadline
            .store(self.since_origin(at).max(1), Ordering::Release);
    }

    /// Ends allowing at once; a table that was fresh before is stale now.
    pub fn shut(&self) {
        if self.deadline.load(Ordering::Acquire) != 0 {
            self.deadline.store(1, Ordering::Release);
        }
    }

    /// What the table is worth at `now`.
    pub fn standing(&self, now: Instant) -> Standing {
        match self.deadline.load(Ordering::Acquire) {
            0 => Standing::NotReady,
            deadline if self.since_origin(now) < deadline => Standing::Fresh,
            _ => Standing::Stale,
        }
    }

    /// How long allowing may still go on.
    pub fn left(&self, now: Instant) -> Duration {
        let deadline = self.deadline.load(Ordering::Acquire);
        Duration::from_nanos(deadline.saturating_sub(self.since_origin(now)))
    }

    /// Which edition of the table there is. A decision whose table had this edition before it began
    /// and has it still at its end contains every change that was ever told to be applied.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Notes that the table changed: after every read sees the change, before anybody is told.
    pub fn next_edition(&self) {
        self.edition.fetch_add(1, Ordering::AcqRel);
    }

    fn since_origin(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.origin).as_nanos();
        // 584 years of uptime.
        u64::try_from(nanos).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_open_up_to_its_deadline_and_not_at_it() {
        let origin = Instant::now();
        let gate = Gate::new(origin);
        let at = |ms| origin + Duration::from_millis(ms);
        assert_eq!(gate.standing(at(0)), Standing::NotReady);
        gate.shut();
        assert_eq!(
            gate.standing(at(0)),
            Standing::NotReady,
            "it never was open"
        );
        gate.open_until(at(10));
        assert_eq!(gate.standing(at(9)), Standing::Fresh);
        assert_eq!(gate.left(at(4)), Duration::from_millis(6));
        assert_eq!(gate.standing(at(10)), Standing::Stale);
        gate.open_until(at(20));
        gate.shut();
        assert_eq!(gate.standing(at(1)), Standing::Stale);
        assert_eq!(gate.left(at(1)), Duration::ZERO);
    }
}
