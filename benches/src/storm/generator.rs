//! The load generator of a storm: threads of its own, and measurements in closed and open loop.
//!
//! *Closed*: so many clients, each with devices of its own, connect one after another. *Open*:
//! connects begin at times drawn beforehand, whatever the broker does; latency counts from there.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use super::client::Target;
use super::devices::Device;
use super::outcome::Outcome;
use super::tally::Tally;
use crate::cpu::Clock;
use crate::load::{Pacer, wait_until};
use crate::report::say;

/// How connects arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Arrival {
    /// This many clients, each beginning the next connect when its last one has ended.
    Closed { clients: usize },
    /// This many in a second.
    Open { per_second: f64, seed: u64 },
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) arrival: Arrival,
    pub(super) warm_up: Duration,
    pub(super) measure: Duration,
}

/// The clocks of the servers, as far as they run here.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    pub(super) broker: Option<Clock>,
    pub(super) hook: Option<Clock>,
}

/// The threads and the devices.
#[derive(Debug)]
pub(super) struct Generator {
    pub(super) runtime: Runtime,
    pub(super) threads: usize,
    devices: Arc<[Device]>,
}

impl Generator {
    pub(super) fn new(threads: usize, devices: Arc<[Device]>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .context("starting the generator's threads")?;
        Ok(Self {
            runtime,
            threads,
            devices,
        })
    }

    /// Measures once. A connect without an answer is an error; a wrong answer is counted.
    pub(super) fn run(
        &self,
        target: &Target,
        plan: &Plan,
        clocks: &Clocks,
    ) -> anyhow::Result<Outcome> {
        let (target, tally) = (Arc::new(target.clone()), Arc::new(Tally::new()));
        let start = Instant::now();
        let (begins, ends) = (start + plan.warm_up, start + plan.warm_up + plan.measure);
        let own = Clock::of_this_process();
        let look = || {
            let seconds = |clock: &Option<Clock>| clock.as_ref().map(Clock::seconds);
            let cpu = (
                own.seconds(),
                seconds(&clocks.broker),
                seconds(&clocks.hook),
            );
            (tally.now(), cpu, Instant::now())
        };
        let (before, after) = thread::scope(|scope| {
            let load = scope.spawn(|| match plan.arrival {
                Arrival::Closed { clients } => self.closed(clients, &target, &tally),
                Arrival::Open { per_second, seed } => {
                    self.open(Pacer::new(per_second, seed), &target, &tally);
                }
            });
            wait_until(begins);
            tally.measure(true);
            let before = look();
            wait_until(ends);
            let after = look();
            tally.measure(false);
            tally.stop();
            load.join().expect("beginning connects does not panic");
            (before, after)
        });
        let (wrong, failure) = tally.words();
        if let Some(failure) = failure {
            bail!("{}: {failure}", target.address);
        }
        if let Some(wrong) = wrong {
            say(&format!("WRONG: {}: {wrong}", target.address));
        }
        let answered = after.0.answered - before.0.answered;
        let overrun = tally.was_overrun();
        ensure!(
            answered > 0 || overrun,
            "{} answered no connect",
            target.address
        );
        let both = |before: Option<f64>, after: Option<f64>| {
            before.zip(after).map(|(before, after)| after - before)
        };
        let (latency, lateness) = tally.times();
        Ok(Outcome {
            connects: answered,
            denied: after.0.denied - before.0.denied,
            wrong: tally.wrong(),
            overrun,
            seconds: after.2.duration_since(before.2).as_secs_f64(),
            latency,
            lateness,
            generator_cpu: after.1.0 - before.1.0,
            broker_cpu: both(before.1.1, after.1.1),
            hook_cpu: both(before.1.2, after.1.2),
        })
    }

    /// Runs until the tally is stopped; every client ends its last connect.
    fn closed(&self, clients: usize, target: &Arc<Target>, tally: &Arc<Tally>) {
        // A device is one client's alone: no connect takes over another's session.
        let clients = clients.min(self.devices.len());
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let (target, tally) = (Arc::clone(target), Arc::clone(tally));
                let devices = Arc::clone(&self.devices);
                self.runtime.spawn(async move {
                    let own = devices[client..].iter().step_by(clients).cycle();
                    for device in own {
                        if tally.is_stopped()
                            || !tally.connect(&target, device, Duration::ZERO).await
                        {
                            break;
                        }
                    }
                })
            })
            .collect();
        self.runtime.block_on(async {
            for task in tasks {
                task.await.expect("a connect does not panic");
            }
        });
    }

    /// Runs until the tally is stopped; all that was begun ends.
    fn open(&self, mut pacer: Pacer, target: &Arc<Target>, tally: &Arc<Tally>) {
        let start = Instant::now();
        // A device comes again only when those between are through.
        let places = u32::try_from((self.devices.len() / 2).max(1)).unwrap_or(u32::MAX);
        let waiting = Arc::new(Semaphore::new(places as usize));
        for index in (0..self.devices.len()).cycle() {
            let next_ns = pacer.next_ns();
            pacer.due(next_ns);
            let intended = start + Duration::from_nanos(next_ns);
            wait_until(intended);
            if tally.is_stopped() {
                break;
            }
            let Ok(place) = Arc::clone(&waiting).try_acquire_owned() else {
                tally.overrun();
                break;
            };
            let (target, tally) = (Arc::clone(target), Arc::clone(tally));
            let devices = Arc::clone(&self.devices);
            self.runtime.spawn(async move {
                let late = intended.elapsed();
                tally.late(late);
                tally.connect(&target, &devices[index], late).await;
                drop(place);
            });
        }
        let all = self.runtime.block_on(waiting.acquire_many(places));
        drop(all.expect("nobody closes it"));
    }
}
