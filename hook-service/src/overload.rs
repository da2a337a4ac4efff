//! Knows when there is more to do than can be done in time, and then sheds.
//!
//! EMQX gives up on an answer after its request time-out, so an answer that waits behind too many
//! others is work done for nobody. How long requests wait is seen by a task that asks to be woken
//! every few milliseconds: what it is late by, every connection is late by. While that lateness
//! stays above a bound, requests are read and denied without being looked at, which costs a
//! fraction of a decision. The answers stay in order, stay explicit, and are counted apart.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

/// How often lateness is measured.
const PERIOD: Duration = Duration::from_millis(5);
/// So many measurements in a row must be late before anything is shed: one may be the scheduler's.
const LATE_IN_A_ROW: u32 = 3;

/// Whether to shed, readable without a lock.
#[derive(Debug, Default)]
pub struct Overload {
    shedding: AtomicBool,
}

impl Overload {
    /// Sheds while tasks are later than `late_max`. Measures on the runtime that it is called on,
    /// for as long as anybody holds what it returns.
    pub fn watched(late_max: Duration) -> Arc<Self> {
        let overload = Arc::new(Self::default());
        tokio::spawn(Self::watch(Arc::downgrade(&overload), late_max));
        overload
    }

    /// Whether requests are to be denied without being looked at.
    pub fn is_shedding(&self) -> bool {
        self.shedding.load(Ordering::Relaxed)
    }

    async fn watch(this: Weak<Self>, late_max: Duration) {
        let mut judge = Judge::new(late_max);
        loop {
            let due = Instant::now() + PERIOD;
            tokio::time::sleep_until(due).await;
            let Some(overload) = this.upgrade() else {
                return; // Nobody asks any more.
            };
            let shed = judge.sheds(Instant::now().duration_since(due));
            if overload.shedding.swap(shed, Ordering::Relaxed) != shed {
                tracing::info!(
                    shed,
                    "the load changed sides of what can be answered in time"
                );
            }
        }
    }
}

/// Decides from one measurement after the other.
#[derive(Debug)]
struct Judge {
    late_max: Duration,
    late_in_a_row: u32,
    sheds: bool,
}

impl Judge {
    fn new(late_max: Duration) -> Self {
        Self {
            late_max,
            late_in_a_row: 0,
            sheds: false,
        }
    }

    /// Begins after several late measurements in a row, ends when one is below half the bound.
    fn sheds(&mut self, late: Duration) -> bool {
        if late > self.late_max {
            self.late_in_a_row += 1;
        } else {
            self.late_in_a_row = 0;
        }
        if self.late_in_a_row >= LATE_IN_A_ROW {
            self.sheds = true;
        } else if late < self.late_max / 2 {
            self.sheds = false;
        }
        self.sheds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_millis(30);

    fn ms(late: u64) -> Duration {
        Duration::from_millis(late)
    }

    #[test]
    fn a_single_late_wake_up_sheds_nothing() {
        let mut judge = Judge::new(MAX);
        for late in [500, 0, 40, 40, 1, 31, 31, 30, 31, 31] {
            assert!(!judge.sheds(ms(late)), "{late}");
        }
    }

    #[test]
    fn lasting_lateness_sheds_until_it_is_well_below_the_bound() {
        let mut judge = Judge::new(MAX);
        assert!(!judge.sheds(ms(40)) && !judge.sheds(ms(40)));
        assert!(judge.sheds(ms(40)), "the third in a row");
        assert!(judge.sheds(ms(20)), "not yet well below");
        assert!(!judge.sheds(ms(14)));
        assert!(!judge.sheds(ms(20)), "and not again at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_runtime_with_nothing_to_do_sheds_nothing() {
        let overload = Overload::watched(MAX);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!overload.is_shedding());
    }
}
