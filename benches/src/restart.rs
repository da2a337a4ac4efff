//! The scenario `restart`: hook-service is replaced under load, again and again, and nobody notices.
//!
//! The shipped program against a real PostgreSQL. A second process with `HOOK_REUSE_PORT` loads the
//! fleet, takes a lease and only then binds the same address; then the first one gets a SIGTERM,
//! answers what is in flight, closes its connections and ends. Brokers with EMQX's pools ask all the
//! while at half of the maximum; a connection that is closed is made again and what was in flight on
//! it is sent again, as EMQX's client does. What counts is that every request is answered, rightly,
//! and that no connection is refused: EMQX would refuse everybody until its next look.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use chaos::programs::Programs;
use serde_json::{Value, json};

use crate::broker::{self, DEPTH, Phase, Plan, Seen};
use crate::fleet::Requests;
use crate::load::{self, Arrival};
use crate::machine;
use crate::report::{Output, print, rounded, say};
use crate::statistics::Spread;
use crate::table::stack::{self, HookService, Stack};

/// The depth at which the maximum is measured.
const CLOSED_DEPTH: usize = 16;

/// Between two restarts, so that each has a quiet time before it.
const BETWEEN: Duration = Duration::from_millis(500);

/// Longer than any run: the restarts end it.
const RUN_TIME_MAX: Duration = Duration::from_secs(3600);

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// A smaller fleet and five restarts
    #[arg(long)]
    quick: bool,
    /// Devices in the database [default: 100000, with --quick 20000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1000..))]
    devices: Option<u32>,
    /// How often to restart [default: 20, with --quick 5]
    #[arg(long)]
    restarts: Option<u32>,
    /// Connections: by default four brokers with EMQX's pool of 8
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[command(flatten)]
    output: Output,
}

/// What the restarts took, seconds.
#[derive(Debug, Default)]
struct Took {
    /// From starting the new process to its being ready.
    ready: Vec<f64>,
    /// From the SIGTERM to the old process's end.
    drain: Vec<f64>,
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::up_to_date(&stack::PROGRAMS)?;
    let start = Instant::now();
    let quick = arguments.quick;
    let devices = arguments
        .devices
        .unwrap_or(if quick { 20_000 } else { 100_000 });
    let restarts = arguments.restarts.unwrap_or(if quick { 5 } else { 20 });
    say(&format!(
        "a durable PostgreSQL with {devices} devices is being made"
    ));
    let stack = Stack::start(&programs, devices)?;
    let requests = Requests::with_impostors(devices);
    let first = started(&stack, None)?;
    let address = first.hooks;
    let capacity = capacity(address, &requests, arguments.connections)?;
    say(&format!(
        "the maximum is {capacity:.0} a second; {restarts} restarts at half of it"
    ));

    let stop = AtomicBool::new(false);
    let half = [Phase {
        arrival: Arrival::Open {
            per_second: capacity / 2.0,
            depth: DEPTH,
        },
        lasts: RUN_TIME_MAX,
    }];
    let plan = plan(address, &requests, arguments.connections, &half, &stop);
    let (seen, took) = thread::scope(|scope| {
        let brokers = scope.spawn(|| broker::run(&plan));
        let took = restart(&stack, first, restarts, || brokers.is_finished());
        stop.store(true, Ordering::Relaxed);
        (brokers.join().expect("the generator does not panic"), took)
    });
    let (seen, (took, _last)) = (seen?, took?);
    let seen = seen.first().context("one phase was run")?;
    let mut figures = figures(seen, &took);
    figures["quick"] = json!(quick);
    figures["devices"] = json!(devices);
    figures["connections"] = json!(arguments.connections);
    figures["capacity_per_second"] = rounded(capacity);
    figures["machine"] = machine::describe();
    figures["seconds"] = rounded(start.elapsed().as_secs_f64());
    for (name, value) in figures.as_object().into_iter().flatten() {
        if value.is_number() || value.is_boolean() {
            print(&format!("{name:<28} {value}"))?;
        }
    }
    arguments.output.finish(&figures, &Value::Null)?;
    anyhow::ensure!(
        figures["restart_ok"] == true,
        "a restart was noticed, see failed, refused and wrong above"
    );
    Ok(())
}

fn plan<'a>(
    address: SocketAddr,
    requests: &'a Requests,
    connections: usize,
    phases: &'a [Phase],
    stop: &'a AtomicBool,
) -> Plan<'a> {
    Plan {
        address,
        requests,
        connections,
        phases,
        stop,
        cpu: None,
        server: None,
        seed: 7,
    }
}

/// A hook-service that is ready, at an address of its own or beside the one that is there already.
fn started(stack: &Stack, beside: Option<SocketAddr>) -> anyhow::Result<HookService> {
    let listen = beside.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
    stack.hooks(&[("HOOK_REUSE_PORT", "true"), ("HOOK_LISTEN", &listen)])
}

/// Answers a second, closed loop.
fn capacity(address: SocketAddr, requests: &Requests, connections: usize) -> anyhow::Result<f64> {
    let closed = Arrival::Closed {
        depth: CLOSED_DEPTH,
    };
    let phases = [300, 1000].map(|ms| Phase {
        arrival: closed,
        lasts: Duration::from_millis(ms),
    });
    let never = AtomicBool::new(false);
    let seen = broker::run(&plan(address, requests, connections, &phases, &never))?;
    let seen = seen.last().context("two phases were run")?;
    Ok(seen.per_second(seen.allowed + seen.denied))
}

/// Replaces the process `times` times and gives the last one, which is still asked; ends early when
/// nobody asks any more.
fn restart(
    stack: &Stack,
    first: HookService,
    times: u32,
    nobody_asks: impl Fn() -> bool,
) -> anyhow::Result<(Took, HookService)> {
    let mut took = Took::default();
    let mut current = first;
    for number in 0..times {
        load::wait_until(Instant::now() + BETWEEN);
        if nobody_asks() {
            break;
        }
        let next = started(stack, Some(current.hooks))?;
        took.ready.push(next.ready_after.as_secs_f64());
        let begun = Instant::now();
        std::mem::replace(&mut current, next).stop()?;
        took.drain.push(begun.elapsed().as_secs_f64());
        say(&format!("restart {} of {times}", number + 1));
    }
    load::wait_until(Instant::now() + BETWEEN);
    Ok((took, current))
}

fn figures(seen: &Seen, took: &Took) -> Value {
    let ms = |quantile| {
        #[expect(
            clippy::cast_precision_loss,
            reason = "minutes of nanoseconds stay below 2^53"
        )]
        let ns = seen.latency.value_at_quantile(quantile) as f64;
        rounded(ns / 1e6)
    };
    let median = |values: &[f64]| {
        let spread = Spread::of(values.iter().copied());
        spread.map_or(Value::Null, |spread| rounded(spread.median * 1000.0))
    };
    let wrong = seen.wrong_allows + seen.out_of_order + seen.shed;
    json!({
        "scenario": "restart",
        "restarts": took.drain.len(),
        "answers": seen.answers(),
        "failed": seen.failed + seen.unsent,
        "refused": seen.refused,
        "wrong": wrong,
        "wrong_allows": seen.wrong_allows,
        "out_of_order": seen.out_of_order,
        "shed": seen.shed,
        "reconnects": seen.reconnects,
        "repeated": seen.repeated,
        "asked_per_second": rounded(seen.per_second(seen.offered)),
        "p50_ms": ms(0.5),
        "p99_ms": ms(0.99),
        "p999_ms": ms(0.999),
        "max_ms": ms(1.0),
        "ready_after_ms": median(&took.ready),
        "drained_after_ms": median(&took.drain),
        "restart_ok": seen.failed + seen.unsent + seen.refused + wrong == 0 && seen.answers() > 0,
    })
}
