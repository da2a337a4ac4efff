//! The clock of one process.

use std::time::{Duration, Instant};

use super::dice::Dice;

/// A process's monotonic clock: it starts anywhere and runs up to 4.5 % too fast or too slow, so two
/// differ by less than a tenth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
    per_mille: u64,
}

impl Clock {
    pub(super) fn some(dice: &mut Dice) -> Self {
        Self {
            start: Instant::now() + Duration::from_secs(dice.below(1_000_000)),
            per_mille: [955, 1_000, 1_045][dice.index(3)],
        }
    }

    pub(super) fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_micros(now * self.per_mille / 1_000)
    }
}
