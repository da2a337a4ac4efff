//! The scenario `overload`: what the hooks do when five times more is asked than they can answer.
//!
//! The server takes one processor and the generator another, so that neither is measured by what the
//! other leaves it. The maximum is measured first, closed loop; then half of it and four fifths of
//! it, where nothing may be shed; then five times as much over five times as many connections; then
//! half of it again, for how long it takes to be as before. Every answer is judged, and what the
//! server counted as shed must be what the generator saw.

mod bench;
mod figures;

use std::time::{Duration, Instant};

use serde_json::json;

use self::bench::Bench;
use self::figures::Found;
use crate::load::Arrival;
use crate::report::{Output, print, rounded, say};
use crate::{affinity, broker, machine};

/// The depth at which the maximum is measured: the one that the targets of `hooks` are set for.
const CLOSED_DEPTH: usize = 16;

/// The shares of the maximum at which nothing may be shed.
const SHARES: [f64; 2] = [0.5, 0.8];

/// How many times the maximum is offered, over how many times the connections.
const TIMES: u32 = 5;

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Short phases, done within half a minute
    #[arg(long)]
    quick: bool,
    /// Devices in the table
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..))]
    devices: u32,
    /// Connections below the maximum: by default four brokers with EMQX's pool of 8
    #[arg(long, default_value_t = 32, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=800))]
    connections: usize,
    /// The server's `HOOK_SHED_LATE_MS`; by default the one that ships
    #[arg(long, value_name = "MS", default_value_t = hook_service::overload::LATE_MS_DEFAULT)]
    shed_late_ms: u64,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    fn lasts(&self, quick_ms: u64, ms: u64) -> Duration {
        Duration::from_millis(if self.quick { quick_ms } else { ms })
    }
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let start = Instant::now();
    if cfg!(debug_assertions) {
        say("built without --release: no figure of this run counts");
    }
    let cpus = affinity::available()?;
    let [server_cpu, generator_cpu, ..] = cpus[..] else {
        anyhow::bail!(
            "refused: server and generator need a processor each, and this machine has one; \
             on a shared one the generator would offer what the server leaves it"
        );
    };
    say(&format!(
        "{} devices; the server on processor {server_cpu}, the generator on {generator_cpu}",
        arguments.devices
    ));
    let bench = Bench::start(arguments, server_cpu, generator_cpu)?;
    let mut found = Found::default();

    let rounds = if arguments.quick { 3 } else { 5 };
    for round in 0..rounds {
        let closed = Arrival::Closed {
            depth: CLOSED_DEPTH,
        };
        let lasts = arguments.lasts(500, 1000);
        found.capacity.push(bench.measure(closed, lasts, round)?);
    }
    let capacity = found.capacity()?;
    say(&format!("the maximum is {capacity:.0} a second"));
    let open = |share: f64| Arrival::Open {
        per_second: capacity * share,
        depth: broker::DEPTH,
    };
    for (share, seed) in SHARES.into_iter().zip(10..) {
        let lasts = arguments.lasts(2000, 10_000);
        found.below.push(bench.measure(open(share), lasts, seed)?);
        say(&format!("{:.0} % of it is done", share * 100.0));
    }
    let phases = [
        broker::Phase {
            arrival: open(f64::from(TIMES)),
            lasts: arguments.lasts(4000, 20_000),
        },
        broker::Phase {
            arrival: open(SHARES[0]),
            lasts: arguments.lasts(2000, 5000),
        },
    ];
    bench.overload(&phases, &mut found)?;

    let (mut figures, complaints) = found.figures()?;
    figures["scenario"] = json!("overload");
    figures["quick"] = json!(arguments.quick);
    figures["devices"] = json!(arguments.devices);
    figures["connections"] = json!(arguments.connections);
    figures["overload_connections"] = json!(arguments.connections * TIMES as usize);
    figures["depth_max"] = json!(broker::DEPTH);
    figures["shed_late_ms"] = json!(arguments.shed_late_ms);
    figures["processors"] = json!({ "server": server_cpu, "generator": generator_cpu });
    figures["latency"] = json!("from writing the request to its answer");
    figures["machine"] = machine::describe();
    figures["seconds"] = rounded(start.elapsed().as_secs_f64());
    print(&figures::table(&figures))?;
    for complaint in &complaints {
        say(complaint);
    }
    arguments.output.finish(&figures, &found.details())?;
    anyhow::ensure!(
        complaints.is_empty(),
        "{} figures missed or refused",
        complaints.len()
    );
    Ok(())
}
