//! The scenario `people`: how soon a person is answered, at a full table.
//!
//! Open loop at a modest rate, for that is what people make: a connect shows a token, most of them for
//! the first time, so its signature is checked; a subscription is decided by memberships that hold
//! eight groups above the device. Some of both must be denied, and every answer is judged.

mod world;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use dev_issuer::{DevIssuer, Options};
use serde_json::{Value, json};

pub(crate) use self::world::World;
use crate::fleet::{Kind, Requests};
use crate::load::{self, Arrival, Dial, Expect, Plan};
use crate::machine;
use crate::report::{Output, print, rounded, say};
use crate::servers::{address, child::Server};
use crate::statistics::Spread;

/// A round in which the generator was late is made again so often before it is left out.
const ATTEMPTS: usize = 3;

/// Brokers' connections: EMQX's pool of 8.
const CONNECTIONS: usize = 8;

/// Requests on one connection at most (`enable_pipelining`).
const DEPTH: usize = 100;

/// Connects in a second.
const CONNECTS: f64 = 200.0;

/// Subscriptions in a second.
const SUBSCRIBES: f64 = 2000.0;

/// Different people that ask.
const ASKING: u32 = 16_384;

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Devices in the table, all of them owned
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..))]
    devices: u32,
    /// People in the table
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..=1_000_000))]
    people: u32,
    /// Connects in a second
    #[arg(long, default_value_t = CONNECTS)]
    connects: f64,
    /// Subscriptions in a second
    #[arg(long, default_value_t = SUBSCRIBES)]
    subscribes: f64,
    /// Rounds of each
    #[arg(long, default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=50))]
    rounds: usize,
    #[command(flatten)]
    output: Output,
}

/// What a run found.
pub(crate) struct Found {
    /// The figures by name.
    pub(crate) figures: Value,
    /// What they were made of.
    pub(crate) details: Value,
    /// The same for people to read.
    pub(crate) text: String,
}

impl Arguments {
    /// As another scenario runs it.
    pub(crate) fn of(devices: u32, people: u32, rounds: usize) -> Self {
        Self {
            devices,
            people,
            connects: CONNECTS,
            subscribes: SUBSCRIBES,
            rounds,
            output: Output::default(),
        }
    }
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        say("built without --release: no figure of this run counts");
    }
    let found = measure(arguments)?;
    print(&found.text)?;
    arguments.output.finish(&found.figures, &found.details)
}

/// Runs it without telling.
pub(crate) fn measure(arguments: &Arguments) -> anyhow::Result<Found> {
    let start = Instant::now();
    let world = World::new(arguments.devices, arguments.people);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("starting the issuer's runtime")?;
    let issuer = runtime
        .block_on(DevIssuer::start(Options::default()))
        .context("starting an issuer")?;
    say("writing tokens and loading the table");
    let connects = Requests::of(Kind::AuthnPerson, &world.connects(ASKING, &issuer));
    let subscribes = Requests::of(Kind::AuthzPerson, &world.subscribes(ASKING));
    let (devices, people) = (arguments.devices.to_string(), arguments.people.to_string());
    let server = Server::start(&[
        "serve-people",
        "--devices",
        &devices,
        "--people",
        &people,
        "--issuer",
        issuer.issuer(),
    ])?;
    let at = address(&server.announced, "http")?;
    let mut connect = Cell::new(&connects, arguments.connects);
    let mut subscribe = Cell::new(&subscribes, arguments.subscribes);
    for round in 0..arguments.rounds {
        connect.measure(at, &server, round)?;
        subscribe.measure(at, &server, round)?;
    }
    let figures = json!({
        "person_connect_p99_ms": connect.p99(),
        "person_authz_p99_ms": subscribe.p99(),
    });
    let details = json!({
        "machine": machine::describe(),
        "server": server.announced,
        "connect": connect.details(), "subscribe": subscribe.details(),
        "seconds": start.elapsed().as_secs_f64(),
    });
    let text = format!(
        "connect   {}\nsubscribe {}",
        connect.line(),
        subscribe.line()
    );
    Ok(Found {
        figures,
        details,
        text,
    })
}

/// What is measured of one kind of request.
#[derive(Debug)]
struct Cell<'a> {
    requests: &'a Requests,
    per_second: f64,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    server_us: Vec<f64>,
    refused: Vec<String>,
}

impl<'a> Cell<'a> {
    fn new(requests: &'a Requests, per_second: f64) -> Self {
        Self {
            requests,
            per_second,
            p50_ms: Vec::new(),
            p99_ms: Vec::new(),
            server_us: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Measures one round. One in which the generator could not keep its own rate says nothing of the
    /// server; it is made again, and after three attempts left out.
    fn measure(&mut self, at: SocketAddr, server: &Server, round: usize) -> anyhow::Result<()> {
        let plan = Plan {
            address: at,
            dial: Dial::default(),
            requests: self.requests,
            expect: &Expect::Decision,
            arrival: Arrival::Open {
                per_second: self.per_second,
                depth: DEPTH,
            },
            connections: CONNECTIONS,
            threads: 1,
            warm_up: Duration::from_millis(300),
            measure: Duration::from_secs(3),
            seed: round as u64 + 1,
        };
        let clock = server.clock();
        for _attempt in 0..ATTEMPTS {
            let outcome = load::run(&plan, Some(&clock))?;
            match load::judge(&plan, &outcome, machine::cores()) {
                Ok(()) => {
                    self.p50_ms.push(outcome.latency_ms(0.5));
                    self.p99_ms.push(outcome.latency_ms(0.99));
                    self.server_us.extend(outcome.server_us());
                    return Ok(());
                }
                Err(refusal) => self.refused.push(refusal.to_string()),
            }
        }
        Ok(())
    }

    /// The median of the rounds; nothing if no round could be taken.
    fn p99(&self) -> Value {
        Spread::of(self.p99_ms.iter().copied()).map_or(Value::Null, |spread| rounded(spread.median))
    }

    fn details(&self) -> Value {
        json!({
            "per_second": self.per_second, "p50_ms": self.p50_ms, "p99_ms": self.p99_ms,
            "server_us": self.server_us, "refused_rounds": self.refused,
        })
    }

    fn line(&self) -> String {
        let spread = |values: &[f64]| {
            Spread::of(values.iter().copied()).map_or_else(
                || "-".to_owned(),
                |s| format!("{:.3} ({:.3}..{:.3})", s.median, s.low, s.high),
            )
        };
        format!(
            "{}/s: p50 {} ms, p99 {} ms, server CPU {} us each, {} rounds refused",
            self.per_second,
            spread(&self.p50_ms),
            spread(&self.p99_ms),
            spread(&self.server_us),
            self.refused.len()
        )
    }
}
