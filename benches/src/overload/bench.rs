//! The server on its processor, the generator on another, and the phases between them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::figures::Found;
use super::{Arguments, TIMES};
use crate::broker::{self, Phase, Plan, Seen};
use crate::cpu::Clock;
use crate::fleet::Requests;
use crate::load::{self, Arrival};
use crate::servers::child::Server;
use crate::servers::{self, denials};

/// Before anything is counted, so that buffers and caches are as they stay.
const WARM_UP: Duration = Duration::from_millis(300);

/// How often the server's memory is looked at while it has too much to do.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs until it is stopped from elsewhere; here nobody stops it.
static NEVER: AtomicBool = AtomicBool::new(false);

pub(super) struct Bench {
    server: Server,
    clock: Clock,
    hooks: SocketAddr,
    denials: SocketAddr,
    requests: Requests,
    connections: usize,
    generator_cpu: usize,
}

impl Bench {
    pub(super) fn start(
        arguments: &Arguments,
        server_cpu: usize,
        generator_cpu: usize,
    ) -> anyhow::Result<Self> {
        let [devices, late, cpu] = [
            arguments.devices.to_string(),
            arguments.shed_late_ms.to_string(),
            server_cpu.to_string(),
        ];
        let server = Server::start(&[
            "serve-hooks",
            "--devices",
            &devices,
            "--shed-late-ms",
            &late,
            "--cpu",
            &cpu,
        ])?;
        Ok(Self {
            clock: server.clock(),
            hooks: servers::address(&server.announced, "cert_pem")?,
            denials: servers::address(&server.announced, "denials")?,
            server,
            requests: Requests::with_impostors(arguments.devices),
            connections: arguments.connections,
            generator_cpu,
        })
    }

    /// One way of arriving, below or at the maximum.
    pub(super) fn measure(
        &self,
        arrival: Arrival,
        lasts: Duration,
        seed: u64,
    ) -> anyhow::Result<Seen> {
        let warm_up = Phase {
            arrival,
            lasts: WARM_UP,
        };
        let phases = [warm_up, Phase { arrival, lasts }];
        let both = self.run(&phases, self.connections, seed)?;
        both.into_iter().next_back().context("two phases were run")
    }

    /// Too much, and then half of the maximum again. The memory before is that of the server as the
    /// measurements below the maximum left it.
    pub(super) fn overload(&self, phases: &[Phase], found: &mut Found) -> anyhow::Result<()> {
        let before = denials::ask(self.denials)?;
        found.resident_before = self.server.resident_bytes();
        let peak = AtomicU64::new(0);
        let done = AtomicBool::new(false);
        let connections = self.connections * TIMES as usize;
        let seen = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    peak.fetch_max(self.server.resident_bytes(), Ordering::Relaxed);
                    load::wait_until(Instant::now() + LOOK_EVERY);
                }
            });
            let seen = self.run(phases, connections, 99);
            done.store(true, Ordering::Relaxed);
            seen
        })?;
        let after = denials::ask(self.denials)?;
        found.resident_peak = peak.load(Ordering::Relaxed);
        found.connections = connections;
        found.shed_by_server = difference(&before, &after, |reason| reason == "overload");
        found.denied_by_server = difference(&before, &after, |reason| reason != "overload");
        found.overload = seen;
        Ok(())
    }

    fn run(&self, phases: &[Phase], connections: usize, seed: u64) -> anyhow::Result<Vec<Seen>> {
        broker::run(&Plan {
            address: self.hooks,
            requests: &self.requests,
            connections,
            phases,
            stop: &NEVER,
            cpu: Some(self.generator_cpu),
            server: Some(&self.clock),
            seed,
        })
    }
}

/// How many denies the server counted in between, for the reasons that are asked for.
fn difference(before: &Value, after: &Value, wanted: impl Fn(&str) -> bool) -> u64 {
    let counts = after.as_object().into_iter().flatten();
    counts
        .filter(|(reason, _)| wanted(reason))
        .filter_map(|(reason, count)| Some(count.as_u64()? - before[reason].as_u64()?))
        .sum()
}
