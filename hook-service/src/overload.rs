//! Knows when more waits than can be decided in time, and how much of it to decide then.
//!
//! EMQX gives up on an answer after its request time-out, so an answer that waits behind too many
//! others is work done for nobody. What is shed is read and denied without being looked at, which
//! costs a fraction of a decision. The answers stay in order, stay explicit, and are counted apart.
//!
//! A thread serves its connections in rounds: each one that has something to read takes its turn, and
//! answers all of it. What waits for a turn waits for as long as the others take theirs, and that is
//! what is bounded here, in two ways:
//!
//! - A turn that comes too late decides nothing, so that the others have theirs in time.
//! - A round that shed something tells the next one how many requests of each connection to decide
//!   (`round.rs`), so that each connection gets its share, and no turn is late any more.
//!
//! A task that goes to the end of the queue when a round begins has its own turn when it is over: so
//! rounds are seen, and only while there is more to do than a few requests.
//!
//! Whether a turn is late is measured in time that the thread ran, and believed only if so much was
//! decided meanwhile as takes half of it. A process that had to share its processor, or a machine that
//! was stopped for a moment, has no more to do than before: what waits for it is at most what the
//! brokers' connections hold, and is decided if that fits. How much to decide in overload is measured
//! in time that passed, for that is what a request waits.

mod round;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use rustix::time::{ClockId, clock_gettime};

use self::round::Round;

/// `HOOK_SHED_LATE_MS` unless it is set.
pub const LATE_MS_DEFAULT: u64 = 20;

/// As many requests as there are.
pub(crate) const ALL: u32 = u32::MAX;

/// So many requests begin before anybody looks at the clock: fewer are no reason to.
const LOOK_EVERY: u32 = 64;

/// Overload is told at most this often, in time that the thread ran.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What two clocks show.
#[derive(Debug, Clone, Copy, Default)]
struct Time {
    /// The time that this thread ran.
    ran: Duration,
    /// The time that passed.
    passed: Duration,
}

/// Whether to shed, readable without a lock. Of one thread, whose connections alone write it: every
/// change is a load and a store.
#[derive(Debug)]
pub struct Overload {
    late_max: Duration,
    clock: fn() -> Time,
    /// Requests that a connection has decided in its turn.
    quota: AtomicU32,
    /// A round is being measured.
    measures: AtomicBool,
    /// When it began, nanoseconds of both clocks.
    began_ran_ns: AtomicU64,
    began_passed_ns: AtomicU64,
    /// When the round before it began, in time that the thread ran.
    before_ran_ns: AtomicU64,
    /// What the thread's clock showed last, nanoseconds.
    now_ns: AtomicU64,
    /// Requests that began to be decided, in the round or since the last look.
    begun: AtomicU32,
    /// The same in the round before.
    begun_before: AtomicU32,
    /// What a decision takes, nanoseconds; 0 as long as nobody knows.
    cost_ns: AtomicU64,
    /// So many decisions in two rounds make a late turn believable.
    believable: AtomicU32,
    turns: AtomicU32,
    shed: AtomicU32,
    shedding_ns: AtomicU64,
    /// A turn was late.
    cut: AtomicBool,
    told_ns: AtomicU64,
    end_of_round: AtomicWaker,
}

/// Never sheds.
impl Default for Overload {
    fn default() -> Self {
        Self::new(Duration::MAX, Time::default)
    }
}

impl Overload {
    fn new(late_max: Duration, clock: fn() -> Time) -> Self {
        Self {
            late_max,
            clock,
            quota: AtomicU32::new(ALL),
            measures: AtomicBool::new(false),
            began_ran_ns: AtomicU64::new(0),
            began_passed_ns: AtomicU64::new(0),
            before_ran_ns: AtomicU64::new(0),
            now_ns: AtomicU64::new(0),
            begun: AtomicU32::new(0),
            begun_before: AtomicU32::new(0),
            cost_ns: AtomicU64::new(0),
            believable: AtomicU32::new(0),
            turns: AtomicU32::new(0),
            shed: AtomicU32::new(0),
            shedding_ns: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            told_ns: AtomicU64::new(0),
            end_of_round: AtomicWaker::new(),
        }
    }

    /// Sheds what would have to wait for longer than `late_max`. Sees the ends of rounds on the
    /// runtime that it is called on, for as long as anybody holds what it returns.
    pub fn watched(late_max: Duration) -> Arc<Self> {
        let overload = Arc::new(Self::new(late_max, now));
        let watched = Arc::downgrade(&overload);
        tokio::spawn(std::future::poll_fn(move |context| {
            Self::at_the_end_of_the_queue(&watched, context)
        }));
        overload
    }

    /// A connection has its turn, whose last one ended when this said `last_ended_ns`: how many requests
    /// it may have decided, [`ALL`] or some or none.
    pub(crate) fn turn_begins(&self, last_ended_ns: u64) -> u32 {
        if !self.measures.load(Relaxed) {
            return ALL;
        }
        // What waits now came after the last turn. Had that been in an earlier round than the last, it
        // would have had its turn since, and nothing is known but that it came in the last round.
        let since = if last_ended_ns >= self.before_ran_ns.load(Relaxed) {
            last_ended_ns
        } else {
            self.began_ran_ns.load(Relaxed)
        };
        let late = self.now_ns.load(Relaxed).saturating_sub(since);
        let decided = self.begun_before.load(Relaxed) + self.begun.load(Relaxed);
        if late > nanos(self.late_max) && decided >= self.believable.load(Relaxed) {
            self.cut.store(true, Relaxed);
            return 0;
        }
        self.quota.load(Relaxed)
    }

    /// The turn is over, and something was `decided` in it or nothing. Gives what the next one is begun
    /// with.
    pub(crate) fn turn_ends(&self, decided: bool) -> u64 {
        if !self.measures.load(Relaxed) {
            return 0;
        }
        if decided {
            add(&self.turns, 1);
        }
        self.look()
    }

    /// A request begins to be decided.
    pub(crate) fn begins(&self) {
        if add(&self.begun, 1) >= LOOK_EVERY && !self.measures.load(Relaxed) {
            let now = (self.clock)();
            self.before_ran_ns.store(nanos(now.ran), Relaxed);
            self.begun_before.store(0, Relaxed);
            self.begin(now);
            self.end_of_round.wake();
        }
    }

    /// Requests were shed, which took the thread's time since [`Overload::look`] gave `since_ns`.
    pub(crate) fn has_shed(&self, count: u32, since_ns: u64) {
        add(&self.shed, count);
        let took = self.look().saturating_sub(since_ns);
        let shedding = self.shedding_ns.load(Relaxed).saturating_add(took);
        self.shedding_ns.store(shedding, Relaxed);
    }

    /// A request was shed by the way of those that are decided.
    pub(crate) fn has_shed_one(&self) {
        add(&self.shed, 1);
    }

    /// Looks at the thread's clock, nanoseconds.
    pub(crate) fn look(&self) -> u64 {
        let now = nanos((self.clock)().ran);
        self.now_ns.store(now, Relaxed);
        now
    }

    /// Begins to measure a round.
    fn begin(&self, now: Time) {
        self.measures.store(true, Relaxed);
        self.now_ns.store(nanos(now.ran), Relaxed);
        self.began_ran_ns.store(nanos(now.ran), Relaxed);
        self.began_passed_ns.store(nanos(now.passed), Relaxed);
        self.begun.store(0, Relaxed);
        self.turns.store(0, Relaxed);
        self.shed.store(0, Relaxed);
        self.shedding_ns.store(0, Relaxed);
        self.cut.store(false, Relaxed);
    }

    /// Ends a round; `true` if the next one is measured from its beginning.
    fn end(&self) -> bool {
        let now = (self.clock)();
        let began = self.began_ran_ns.load(Relaxed);
        let passed = nanos(now.passed).saturating_sub(self.began_passed_ns.load(Relaxed));
        let round = Round {
            ran: Duration::from_nanos(nanos(now.ran).saturating_sub(began)),
            passed: Duration::from_nanos(passed),
            shedding: Duration::from_nanos(self.shedding_ns.load(Relaxed)),
            decided: self.begun.load(Relaxed),
            shed: self.shed.load(Relaxed),
            turns: self.turns.load(Relaxed),
            cut: self.cut.load(Relaxed),
        };
        let quota = round.next_quota(self.quota.load(Relaxed), self.late_max);
        self.quota.store(quota, Relaxed);
        self.tell(&round, nanos(now.ran));
        if round.decided >= LOOK_EVERY {
            let cost = round.cost_ns(self.cost_ns.load(Relaxed));
            let believable = nanos(self.late_max) / (2 * cost);
            self.cost_ns.store(cost, Relaxed);
            self.believable
                .store(believable.try_into().unwrap_or(u32::MAX), Relaxed);
        }
        self.before_ran_ns.store(began, Relaxed);
        self.begun_before.store(round.decided, Relaxed);
        self.begin(now);
        let goes_on = quota != ALL || round.decided >= LOOK_EVERY;
        self.measures.store(goes_on, Relaxed);
        goes_on
    }

    fn tell(&self, round: &Round, now_ns: u64) {
        let told = self.told_ns.load(Relaxed);
        if round.shed == 0 || (told != 0 && now_ns.saturating_sub(told) < nanos(TELL_EVERY)) {
            return;
        }
        self.told_ns.store(now_ns, Relaxed);
        let (decided, shed) = (round.decided, round.shed);
        tracing::warn!(
            decided,
            shed,
            "more is asked than can be decided in time: a part of it is denied unseen"
        );
    }

    /// Polled when a round is over: it was woken when the round began, behind all who waited then.
    fn at_the_end_of_the_queue(this: &Weak<Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(overload) = this.upgrade() else {
            return Poll::Ready(()); // Nobody asks any more.
        };
        overload.end_of_round.register(context.waker());
        if overload.measures.load(Relaxed) && overload.end() {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Overload {
    fn drop(&mut self) {
        self.end_of_round.wake();
    }
}

/// Both clocks, of the calling thread.
fn now() -> Time {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Time {
        ran: Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default(),
        passed: ORIGIN.elapsed(),
    }
}

/// One thread writes, so this need not be one step.
fn add(counter: &AtomicU32, count: u32) -> u32 {
    let sum = counter.load(Relaxed).saturating_add(count);
    counter.store(sum, Relaxed);
    sum
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
