//! The load generator: few threads, requests written beforehand, every answer looked at.
//!
//! *Closed loop* finds the maximum: each connection sends a burst of `depth` requests in one write
//! and the next burst when the last answer is in. *Open loop* finds the latency at a given rate:
//! requests have intended times drawn beforehand from a Poisson process, latency counts from the
//! intended time, and nothing is left out because an earlier answer was late.

mod answer;
mod connection;
mod drive;
mod expect;
mod fetch;
mod pacing;
mod priority;
mod stream;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;

pub(crate) use self::answer::{Parsed, Parser};
pub(crate) use self::expect::Expect;
pub(crate) use self::fetch::fetch;
pub(crate) use self::pacing::Pacer;
pub(crate) use self::priority::Priority;
pub(crate) use self::stream::Dial;

use crate::cpu::Clock;
use crate::fleet::Requests;

/// How requests arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrival {
    /// The next burst of this many leaves when the answers to the last are in.
    Closed { depth: usize },
    /// This many in a second, whatever the server does; at most `depth` wait on one connection, and
    /// the rest waits in the generator, which counts.
    Open { per_second: f64, depth: usize },
}

impl Arrival {
    /// Requests on one connection at most.
    pub(crate) fn depth(self) -> usize {
        match self {
            Self::Closed { depth } | Self::Open { depth, .. } => depth,
        }
    }
}

/// One measurement.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) dial: Dial,
    pub(crate) requests: &'a Requests,
    pub(crate) expect: &'a Expect,
    pub(crate) arrival: Arrival,
    pub(crate) connections: usize,
    pub(crate) threads: usize,
    pub(crate) warm_up: Duration,
    pub(crate) measure: Duration,
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Answers to what was measured.
    pub(crate) answers: u64,
    /// How long was measured.
    pub(crate) seconds: f64,
    /// Nanoseconds from intended sending to answer.
    pub(crate) latency: Histogram<u64>,
    /// Nanoseconds by which the generator itself looked late at what was due (open loop only).
    pub(crate) lateness: Histogram<u64>,
    /// How the generator's threads stood in the scheduler's queue.
    pub(crate) priority: Priority,
    /// CPU seconds of the generator.
    pub(crate) generator_cpu: f64,
    /// CPU seconds of the server, if it runs here.
    pub(crate) server_cpu: Option<f64>,
}

impl Outcome {
    /// Answers in a second.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// CPU microseconds of the server for one answer.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(crate) fn server_us(&self) -> Option<f64> {
        self.server_cpu
            .map(|cpu| cpu * 1e6 / self.answers.max(1) as f64)
    }

    /// CPU microseconds of the generator for one answer.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(crate) fn generator_us(&self) -> f64 {
        self.generator_cpu * 1e6 / self.answers.max(1) as f64
    }

    /// How late the generator itself was, 99th percentile, milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "hours of nanoseconds stay below 2^53"
    )]
    pub(crate) fn late_p99_ms(&self) -> f64 {
        self.lateness.value_at_quantile(0.99) as f64 / 1e6
    }

    /// Latency at this quantile, milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "hours of nanoseconds stay below 2^53"
    )]
    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e6
    }
}

/// Why a measurement is worth nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// The generator was the limit: the server could have answered more.
    GeneratorBound { busy: f64 },
    /// The generator sent later than it meant to.
    Late { p99_ms: f64 },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::GeneratorBound { busy } => write!(
                out,
                "the load generator was busy {:.0} % of the time while the server had room: \
                 the maximum is not the server's; give it more threads",
                busy * 100.0
            ),
            Self::Late { p99_ms } => write!(
                out,
                "the load generator could not keep its own rate: it was {p99_ms:.2} ms late at \
                 the 99th percentile, at most {LATE_MS_MAX} is taken (as root its threads go \
                 before the servers', with chrt of util-linux)"
            ),
        }
    }
}

/// The generator may be this late at the 99th percentile, milliseconds: the bound that the design
/// sets for the server's own p99.
const LATE_MS_MAX: f64 = 1.0;

/// A generator thread that is busy for more than this share of the time is at its limit.
const BUSY_MAX: f64 = 0.95;

/// A server that leaves more than this share of the processors unused had room.
const ROOM_MIN: f64 = 0.1;

/// Judges whether the generator kept its own rate. `cores` is what server and generator share.
#[expect(
    clippy::cast_precision_loss,
    reason = "core and thread counts are small"
)]
pub(crate) fn judge(plan: &Plan<'_>, outcome: &Outcome, cores: usize) -> Result<(), Refusal> {
    match plan.arrival {
        Arrival::Closed { .. } => {
            let busy = outcome.generator_cpu / (outcome.seconds * plan.threads as f64);
            let used = outcome.generator_cpu + outcome.server_cpu.unwrap_or_default();
            let room = 1.0 - used / (outcome.seconds * cores as f64);
            if busy > BUSY_MAX && room > ROOM_MIN {
                return Err(Refusal::GeneratorBound { busy });
            }
        }
        Arrival::Open { .. } => {
            let p99_ms = outcome.late_p99_ms();
            if p99_ms > LATE_MS_MAX {
                return Err(Refusal::Late { p99_ms });
            }
        }
    }
    Ok(())
}

/// The histograms' resolution: three digits, from nanoseconds to a minute.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are constants")
}

/// Measures once. `server` is the clock of the server's process, where it runs here.
///
/// A wrong, missing or unparsable answer is an error: it fails the whole run.
pub(crate) fn run(plan: &Plan<'_>, server: Option<&Clock>) -> anyhow::Result<Outcome> {
    let mut shares = Vec::new();
    for thread in 0..plan.threads {
        let count =
            plan.connections / plan.threads + usize::from(thread < plan.connections % plan.threads);
        let streams: Vec<_> = (0..count)
            .map(|_| plan.dial.connect(plan.address))
            .collect::<Result<_, _>>()
            .with_context(|| format!("connecting to {}", plan.address))?;
        shares.push(streams);
    }
    let start = Instant::now() + Duration::from_millis(2);
    let own = Clock::of_this_process();
    let (driven, used) = thread::scope(|scope| {
        let drivers: Vec<_> = shares
            .into_iter()
            .enumerate()
            .map(|(thread, streams)| {
                let seed = plan.seed.wrapping_mul(31).wrapping_add(thread as u64);
                scope.spawn(move || drive::drive(plan, streams, start, seed))
            })
            .collect();
        wait_until(start + plan.warm_up);
        let before = (own.seconds(), server.map(Clock::seconds), Instant::now());
        wait_until(start + plan.warm_up + plan.measure);
        let after = (own.seconds(), server.map(Clock::seconds), Instant::now());
        let elapsed = after.2.duration_since(before.2).as_secs_f64();
        // The clocks were read within `elapsed`, the answers counted within `measure`.
        let scale = plan.measure.as_secs_f64() / elapsed;
        let server_cpu = after
            .1
            .zip(before.1)
            .map(|(after, before)| (after - before) * scale);
        let used = ((after.0 - before.0) * scale, server_cpu);
        let driven: Vec<_> = drivers
            .into_iter()
            .map(|driver| driver.join().expect("a generator thread does not panic"))
            .collect();
        (driven, used)
    });
    let mut outcome = Outcome {
        answers: 0,
        seconds: plan.measure.as_secs_f64(),
        latency: histogram(),
        lateness: histogram(),
        priority: Priority::RealTime,
        generator_cpu: used.0,
        server_cpu: used.1,
    };
    for driven in driven {
        let driven = driven?;
        outcome.answers += driven.answers;
        outcome.latency += driven.latency;
        outcome.lateness += driven.lateness;
        outcome.priority = outcome.priority.min(driven.priority);
    }
    anyhow::ensure!(outcome.answers > 0, "{} answered nothing", plan.address);
    Ok(outcome)
}

/// Waits without spinning; generator threads run meanwhile.
pub(crate) fn wait_until(at: Instant) {
    while let Some(left) = at
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
    {
        thread::park_timeout(left);
    }
}

/// The client side of TLS, shared by all connections.
pub(crate) type TlsClient = Arc<rustls::ClientConfig>;
