//! Knows when there is more to do than can be done in time, and then sheds.
//!
//! EMQX gives up on an answer after its request time-out, so an answer that waits behind too many
//! others is work done for nobody. What is shed is read and denied without being looked at, which
//! costs a fraction of a decision. The answers stay in order, stay explicit, and are counted apart.
//!
//! A request can wait in two places, and each is watched where it is:
//!
//! - Behind the requests that came before it on its own connection. Connections take turns, and in a
//!   turn one answers [`TURN`] requests of what it has read. A request that has its turn later than
//!   the bound after it was read is shed. The first turn after a read is never shed, so that under
//!   any load every connection still gets decisions; nor is what waited while the process did not
//!   run at all, for that is no sign of more to come.
//! - Behind other connections, before it is read. A task that asks to be woken every few milliseconds
//!   is late by what every connection is late by. While that stays above the bound, everything is
//!   shed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

/// `HOOK_SHED_LATE_MS` unless it is set.
pub const LATE_MS_DEFAULT: u64 = 20;

/// Requests that a connection answers in one turn: hyper's own number (`poll_loop` of 1.x).
pub const TURN: u32 = 16;

/// How often lateness is measured.
const PERIOD: Duration = Duration::from_millis(5);
/// What is late has seen so many measurements: a process that was stopped for a moment has not.
const TICKS_MIN: u32 = 2;
/// So many measurements after the last shed, overload is still near.
const NEAR_FOR: u32 = 20;
/// So many measurements in a row must be late before anything is shed: one may be the scheduler's.
const LATE_IN_A_ROW: u32 = 3;

/// What a request waited for before it was read as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Milliseconds since its connection read from the socket; 0 in the first turn after that.
    pub ms: u32,
    /// What [`Overload::ticks`] said then.
    pub read_at_tick: u32,
    /// Requests that its connection answered in that time.
    pub before: u32,
}

/// Whether to shed, readable without a lock.
#[derive(Debug)]
pub struct Overload {
    late_ms_max: u32,
    all: AtomicBool,
    near_for: AtomicU32,
    ticks: AtomicU32,
}

/// Never sheds.
impl Default for Overload {
    fn default() -> Self {
        Self {
            late_ms_max: u32::MAX,
            all: AtomicBool::new(false),
            near_for: AtomicU32::new(0),
            ticks: AtomicU32::new(0),
        }
    }
}

impl Overload {
    /// Sheds what is later than `late_max`. Measures on the runtime that it is called on, for as long
    /// as anybody holds what it returns.
    pub fn watched(late_max: Duration) -> Arc<Self> {
        let overload = Arc::new(Self {
            late_ms_max: u32::try_from(late_max.as_millis()).unwrap_or(u32::MAX),
            ..Self::default()
        });
        tokio::spawn(Self::watch(Arc::downgrade(&overload), late_max));
        overload
    }

    /// Whether a request that waited like this is to be denied without being looked at.
    pub fn sheds(&self, wait: Wait) -> bool {
        let sheds =
            (wait.before >= TURN && self.is_late(wait.ms, wait.read_at_tick)) || self.sheds_all();
        if sheds {
            self.shed();
        }
        sheds
    }

    /// Whether what has waited for this many milliseconds, since that tick, is late.
    pub fn is_late(&self, waited_ms: u32, read_at_tick: u32) -> bool {
        waited_ms > self.late_ms_max && self.ticks().wrapping_sub(read_at_tick) >= TICKS_MIN
    }

    /// Counts the measurements: time in which this process ran, not only time that passed.
    pub fn ticks(&self) -> u32 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Something was shed: for a while it is worth looking closer.
    pub fn shed(&self) {
        if self.near_for.load(Ordering::Relaxed) < NEAR_FOR {
            self.near_for.store(NEAR_FOR, Ordering::Relaxed);
        }
    }

    /// Whether something was shed a moment ago, a tenth of a second at least.
    pub fn is_near(&self) -> bool {
        self.near_for.load(Ordering::Relaxed) > 0
    }

    /// Whether every request is to be denied without being looked at.
    pub fn sheds_all(&self) -> bool {
        self.all.load(Ordering::Relaxed)
    }

    async fn watch(this: Weak<Self>, late_max: Duration) {
        let mut judge = Judge::new(late_max);
        loop {
            let due = Instant::now() + PERIOD;
            tokio::time::sleep_until(due).await;
            let Some(overload) = this.upgrade() else {
                return; // Nobody asks any more.
            };
            let ticks = overload.ticks().wrapping_add(1);
            overload.ticks.store(ticks, Ordering::Relaxed);
            let near_for = overload.near_for.load(Ordering::Relaxed);
            overload
                .near_for
                .store(near_for.saturating_sub(1), Ordering::Relaxed);
            let shed = judge.sheds(Instant::now().duration_since(due));
            if overload.all.swap(shed, Ordering::Relaxed) != shed {
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

    #[tokio::test]
    async fn what_waits_too_long_behind_its_own_connection_is_shed_and_the_first_turn_never_is() {
        let overload = Overload::watched(MAX);
        overload.ticks.store(10, Ordering::Relaxed);
        for (ms, before, read_at_tick, shed) in [
            (0, 0, 0, false),
            (30, 1000, 0, false),
            (31, TURN, 8, true),
            (31, TURN, 9, false),
            (u32::MAX, TURN - 1, 0, false),
        ] {
            let wait = Wait {
                ms,
                read_at_tick,
                before,
            };
            assert_eq!(overload.sheds(wait), shed, "{wait:?}");
        }
        let worst = Wait {
            ms: u32::MAX,
            read_at_tick: 1,
            before: u32::MAX,
        };
        assert!(!Overload::default().sheds(worst));
    }

    #[tokio::test(start_paused = true)]
    async fn a_runtime_with_nothing_to_do_sheds_nothing() {
        let overload = Overload::watched(MAX);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!overload.sheds_all());
    }
}
