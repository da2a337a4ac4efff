//! The scenario `hooks`: how fast the hooks answer, and what an answer costs, beside their peers.
//!
//! Rounds alternate (A B C A B C ...), so that a disturbance hits every server alike; a ratio is
//! the median of the rounds' own ratios. Closed rounds come first; the open ones then run at shares
//! of the maximum that hook-service just showed, nginx at the same rates.

mod bench;
mod cell;
mod figures;
mod table;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::{Value, json};

use self::bench::Bench;
use self::cell::{Cell, Subject};
use crate::fleet::Kind;
use crate::load::Arrival;
use crate::report::{Output, print, rounded, say};
use crate::statistics::Spread;
use crate::{cpu, machine};

/// EMQX has at most this many requests in flight on one connection (`enable_pipelining`).
const OPEN_DEPTH: usize = 100;

/// The depth that the targets are set for.
const DEPTH: usize = 16;

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// One fleet of a million devices, short rounds, done within 55 seconds
    #[arg(long)]
    quick: bool,
    /// Sizes of the fleet, each a run of its own [default: 1000, 1000000 and, with room, 10000000]
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    devices: Vec<u32>,
    /// Rounds of every measurement [default: 7; with --quick at least 3, as many as time allows]
    #[arg(long)]
    rounds: Option<usize>,
    /// Connections to every server: by default four brokers with EMQX's pool of 8
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Connections of the open loop: one broker's pool, because each costs the generator, which
    /// shares the processors, a write at every look
    #[arg(long, default_value_t = 8)]
    open_connections: usize,
    /// Threads of the load generator [default: a quarter of the processors, at least 1]
    #[arg(long)]
    generator_threads: Option<usize>,
    /// Measure a `benches serve-hooks` that runs elsewhere instead; nothing is compared then
    #[arg(long, value_name = "HOST:PORT")]
    target: Option<SocketAddr>,
    /// Measure only what has this in its name, for example "16 deep"
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Another build of this program, measured beside this one: for judging a change
    #[arg(long, value_name = "PROGRAM", conflicts_with = "target")]
    beside: Option<std::path::PathBuf>,
    #[command(flatten)]
    output: Output,
}

/// How long and how often.
#[derive(Debug, Clone)]
struct Effort {
    rounds: usize,
    rounds_min: usize,
    warm_up: Duration,
    measure: Duration,
    /// Rounds beyond the least are left out after this time.
    closed_until: Option<Duration>,
    open_until: Option<Duration>,
}

impl Arguments {
    fn effort(&self) -> Effort {
        if self.quick {
            Effort {
                rounds: self.rounds.unwrap_or(7),
                rounds_min: 3,
                warm_up: Duration::from_millis(80),
                measure: Duration::from_millis(320),
                closed_until: Some(Duration::from_secs(35)),
                open_until: Some(Duration::from_secs(45)),
            }
        } else {
            let rounds = self.rounds.unwrap_or(7);
            Effort {
                rounds,
                rounds_min: rounds,
                warm_up: Duration::from_millis(200),
                measure: Duration::from_secs(1),
                closed_until: None,
                open_until: None,
            }
        }
    }

    fn sizes(&self) -> Vec<u32> {
        if !self.devices.is_empty() {
            return self.devices.clone();
        }
        if self.quick {
            return vec![1_000_000];
        }
        let mut sizes = vec![1000, 1_000_000];
        // Building ten million takes about 4 GiB for a moment.
        if machine::available_gib().is_some_and(|gib| gib >= 6) {
            sizes.push(10_000_000);
        } else {
            say("10 million devices are left out: less than 6 GiB of memory are free");
        }
        sizes
    }

    fn threads(&self) -> usize {
        let chosen = self.generator_threads.unwrap_or(machine::cores() / 4);
        chosen.clamp(1, self.connections.max(1))
    }
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let start = Instant::now();
    if cfg!(debug_assertions) {
        say("built without --release: no figure of this run counts");
    }
    let machine = machine::describe();
    let (mut figures, mut details, mut refused) = (Value::Null, Vec::new(), Vec::new());
    for devices in arguments.sizes() {
        say(&format!("{devices} devices"));
        let run = one_size(arguments, devices, start)?;
        print(&table::table(
            devices,
            &run.cells,
            arguments.target.is_some(),
        ))?;
        let found = figures::figures(&run.cells, &run.refused);
        for (name, reason) in &run.refused {
            say(&format!("REFUSED at {devices} devices: {name}: {reason}"));
        }
        refused.extend(run.refused.into_iter().map(|(name, _)| name));
        // The figures are those of a million devices, or of the last size where that was not asked.
        if figures.is_null() || devices == 1_000_000 || !arguments.sizes().contains(&1_000_000) {
            figures = found.clone();
            figures["devices"] = json!(devices);
        }
        details.push(json!({
            "devices": devices, "figures": found, "server": run.announced,
            "cells": run.cells.iter().map(Cell::to_json).collect::<Vec<_>>(),
        }));
        figures["others_cores"] = run.others_cores.map_or(Value::Null, rounded);
        figures["interrupt_cores"] = run.interrupt_cores.map_or(Value::Null, rounded);
        figures["stolen_cores"] = run.stolen_cores.map_or(Value::Null, rounded);
    }
    figures["scenario"] = json!("hooks");
    figures["quick"] = json!(arguments.quick);
    figures["connections"] = json!(arguments.connections);
    figures["open_connections"] = json!(arguments.open_connections);
    figures["generator_threads"] = json!(arguments.threads());
    figures["arrivals"] = json!(
        "closed: bursts of `depth` in one write; open: Poisson, \
        latency from the intended time, up to 100 in flight on a connection"
    );
    figures["machine"] = machine;
    figures["seconds"] = rounded(start.elapsed().as_secs_f64());
    arguments.output.finish(&figures, &json!(details))?;
    if !refused.is_empty() {
        bail!("{} figures were refused, see above", refused.len());
    }
    Ok(())
}

/// What one size of fleet gave.
struct Run {
    cells: Vec<Cell>,
    /// What could not be measured, and why.
    refused: Vec<(String, String)>,
    announced: Value,
    others_cores: Option<f64>,
    interrupt_cores: Option<f64>,
    stolen_cores: Option<f64>,
}

fn one_size(arguments: &Arguments, devices: u32, start: Instant) -> anyhow::Result<Run> {
    let effort = arguments.effort();
    let mut bench = Bench::start(arguments, devices)?;
    let before = (Instant::now(), cpu::machine_seconds(), bench.own_seconds());
    let mut cells = cell::closed(arguments.quick, &bench.missing());
    if arguments.target.is_some() {
        cells.retain(|cell| cell.subject == Subject::Hooks && cell.kind != Kind::AuthnPassword);
    }
    if let Some(only) = &arguments.only {
        cells.retain(|cell| cell.name().contains(only.as_str()));
        anyhow::ensure!(!cells.is_empty(), "no measurement has {only:?} in its name");
    }
    rounds(&mut cells, &mut bench, &effort, start, effort.closed_until)?;
    let maximum = |kind| {
        let hooks = cells
            .iter()
            .find(|cell| cell.is(Subject::Hooks, kind, DEPTH));
        hooks
            .and_then(|cell| Spread::of(cell.rates()))
            .map(|rate| rate.median)
    };
    let maximum = |kind| {
        if arguments.only.is_some() {
            None
        } else {
            maximum(kind)
        }
    };
    let (connects, topics) = (maximum(Kind::AuthnCertificate), maximum(Kind::Authz));
    let mut open = cell::open(arguments.quick, connects, topics, &bench.missing());
    if arguments.target.is_some() {
        open.retain(|cell| cell.subject == Subject::Hooks);
    }
    rounds(&mut open, &mut bench, &effort, start, effort.open_until)?;
    cells.append(&mut open);

    let elapsed = before.0.elapsed().as_secs_f64();
    let machine = cpu::machine_seconds().zip(before.1);
    let own = bench.own_seconds() - before.2;
    let mut refused = bench.refused.clone();
    for cell in &mut cells {
        if cell.samples.iter().flatten().count() * 2 < cell.samples.len() {
            let reason = cell.refusal.clone().unwrap_or_default();
            refused.push((cell.name(), reason));
            cell.samples.fill_with(|| None);
        }
    }
    Ok(Run {
        cells,
        refused,
        announced: bench.announced(),
        others_cores: machine
            .map(|(after, before)| ((after.busy - before.busy - own) / elapsed).max(0.0)),
        interrupt_cores: machine
            .map(|(after, before)| (after.interrupts - before.interrupts) / elapsed),
        stolen_cores: machine.map(|(after, before)| (after.stolen - before.stolen) / elapsed),
    })
}

fn rounds(
    cells: &mut [Cell],
    bench: &mut Bench,
    effort: &Effort,
    start: Instant,
    until: Option<Duration>,
) -> anyhow::Result<()> {
    let what = match cells.first().map(|cell| cell.arrival) {
        Some(Arrival::Open { .. }) => "open loop",
        _ => "closed loop",
    };
    for round in 0..effort.rounds {
        let begun = Instant::now();
        for cell in &mut *cells {
            bench.measure(cell, effort, round)?;
        }
        say(&format!("{what}, round {} of {}", round + 1, effort.rounds));
        let enough = round + 1 >= effort.rounds_min;
        let next_ends = start.elapsed() + begun.elapsed();
        if enough && until.is_some_and(|until| next_ends > until) {
            break;
        }
    }
    Ok(())
}
