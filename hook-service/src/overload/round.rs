//! What one round did, and what follows from it for the next.

use std::time::Duration;

use super::ALL;

/// How much of its time a round is meant to take: turns of one that takes all of it are late.
const AIM: f64 = 0.75;

/// A round of a thread over its connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    /// The time that the thread ran in it.
    pub(super) ran: Duration,
    /// The time that passed: the thread's, the kernel's for it, and that of whoever else had its processor.
    pub(super) passed: Duration,
    /// How much of the thread's time went into shedding.
    pub(super) shedding: Duration,
    /// Requests that were decided.
    pub(super) decided: u32,
    /// Requests that were not.
    pub(super) shed: u32,
    /// Turns of connections in which something was decided.
    pub(super) turns: u32,
    /// Some turns were late, and nothing was decided in them.
    pub(super) cut: bool,
}

impl Round {
    /// What a decision takes, nanoseconds, where it was `known` before to take so much, or 0. A single
    /// round moves that by an eighth at most: the machine may have been stopped in it.
    pub(super) fn cost_ns(&self, known: u64) -> u64 {
        let deciding = self.ran.saturating_sub(self.shedding).as_nanos();
        let deciding = u64::try_from(deciding).unwrap_or(u64::MAX);
        let cost = (deciding / u64::from(self.decided.max(1))).max(1);
        if known == 0 {
            return cost;
        }
        let moved = (3 * known + cost.clamp(known / 2, known + known / 2)) / 4;
        moved.max(1)
    }

    /// How many requests of each connection the next round decides, so that the same requests are
    /// answered before `max` has passed; [`ALL`] if the thread could decide all of them in that time. At
    /// least one, so that every connection gets decisions under any load.
    pub(super) fn next_quota(&self, quota: u32, max: Duration) -> u32 {
        if self.shed == 0 {
            return ALL;
        }
        if self.decided == 0 {
            return 1;
        }
        let (decided, shed) = (f64::from(self.decided), f64::from(self.shed));
        let deciding = self.ran.saturating_sub(self.shedding).as_secs_f64();
        let deciding = deciding.max(f64::EPSILON);
        let (max, passed) = (max.as_secs_f64(), self.passed.as_secs_f64());
        if deciding * (decided + shed) <= max * decided {
            return ALL;
        }
        // Everything but deciding takes as long again.
        let others = (passed - deciding).max(0.0);
        let time = (max * AIM - others).max(0.0) / deciding;
        // Connections that need less than their share leave the rest to the others: so a quota that was
        // followed is made longer or shorter. Another says nothing, and everybody gets the same.
        let next = if quota == ALL || self.cut {
            decided * time / f64::from(self.turns.max(1))
        } else {
            f64::from(quota) * time
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest number that there is"
        )]
        let next = next.ceil() as u32;
        next.clamp(1, ALL - 1)
    }
}
