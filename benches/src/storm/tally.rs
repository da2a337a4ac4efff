//! What a storm counts while it lasts, shared by all of its connects.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::client::{self, Connack, Failure, Target};
use super::devices::Device;
use crate::load::histogram;

/// The counters of one measurement.
#[derive(Debug)]
pub(super) struct Tally {
    answered: AtomicU64,
    denied: AtomicU64,
    wrong: AtomicU64,
    measuring: AtomicBool,
    stopped: AtomicBool,
    overrun: AtomicBool,
    /// The first failure, which fails the run; and the first wrong answer, for people.
    words: Mutex<Words>,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Words {
    failure: Option<String>,
    wrong: Option<String>,
}

/// Histograms of nanoseconds.
#[derive(Debug)]
pub(super) struct Times {
    /// From the start, or the intended start, to CONNACK.
    pub(super) latency: Histogram<u64>,
    /// By how much the generator began later than intended.
    pub(super) lateness: Histogram<u64>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) answered: u64,
    pub(super) denied: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            answered: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
            measuring: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            overrun: AtomicBool::new(false),
            words: Mutex::default(),
            times: Mutex::new(Times {
                latency: histogram(),
                lateness: histogram(),
            }),
        }
    }

    /// Connects a device once and counts what came of it. `late` is how long ago it should have
    /// begun. False when it failed and nothing more should be tried.
    pub(super) async fn connect(&self, target: &Target, device: &Device, late: Duration) -> bool {
        let begun = tokio::time::Instant::now();
        match client::connect(target, device).await {
            Ok(answered) => {
                self.count(target, device, answered.said, late + begun.elapsed());
                answered.goodbye().await;
                true
            }
            Err(failure) => {
                self.fail(device, &failure);
                false
            }
        }
    }

    fn count(&self, target: &Target, device: &Device, said: Connack, took: Duration) {
        if !target.is_right(device, said) {
            self.wrong.fetch_add(1, Ordering::Relaxed);
            let standing = if device.active { "active" } else { "revoked" };
            self.say(
                |words| &mut words.wrong,
                || format!("the {standing} device {} was answered {said:?}", device.id),
            );
        }
        if said != Connack::Accepted {
            self.denied.fetch_add(1, Ordering::Relaxed);
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.record(|times| &mut times.latency, took);
    }

    /// The first failure fails the measurement.
    fn fail(&self, device: &Device, failure: &Failure) {
        self.say(
            |words| &mut words.failure,
            || format!("device {}: {failure}", device.id),
        );
        self.stop();
    }

    fn say(
        &self,
        which: impl FnOnce(&mut Words) -> &mut Option<String>,
        what: impl FnOnce() -> String,
    ) {
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        which(&mut words).get_or_insert_with(what);
    }

    /// Notes by how much a connect began late.
    pub(super) fn late(&self, by: Duration) {
        self.record(|times| &mut times.lateness, by);
    }

    fn record(&self, which: impl FnOnce(&mut Times) -> &mut Histogram<u64>, value: Duration) {
        if self.measuring.load(Ordering::Relaxed) {
            let nanos = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
            let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
            which(&mut times).saturating_record(nanos);
        }
    }

    /// So many connects wait that no further one can be begun at its time.
    pub(super) fn overrun(&self) {
        self.overrun.store(true, Ordering::Relaxed);
        self.stop();
    }

    pub(super) fn was_overrun(&self) -> bool {
        self.overrun.load(Ordering::Relaxed)
    }

    /// From now on, or no longer, times are recorded.
    pub(super) fn measure(&self, on: bool) {
        self.measuring.store(on, Ordering::Relaxed);
    }

    /// No further connect is begun.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn now(&self) -> Count {
        Count {
            answered: self.answered.load(Ordering::Relaxed),
            denied: self.denied.load(Ordering::Relaxed),
        }
    }

    /// Wrong answers since the start, warm-up included.
    pub(super) fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }

    /// The first wrong answer and the first failure, in words.
    pub(super) fn words(&self) -> (Option<String>, Option<String>) {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        (words.wrong.clone(), words.failure.clone())
    }

    /// What was recorded.
    pub(super) fn times(&self) -> (Histogram<u64>, Histogram<u64>) {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        (times.latency.clone(), times.lateness.clone())
    }
}
