//! The scenario `api`: api-service beside pgbench, which runs the very statements that the service runs,
//! against the same durable PostgreSQL in the same run.
//!
//! The statements are read from the server's log while the service answers one request of each kind, so
//! they cannot differ from what it really does. pgbench gets as many connections as the service's pool
//! has, and prepares its statements as the service does; what is between the two rates is HTTP, the
//! caller's token, JSON, and the load generator on the same processors. Beside that: signatures for a
//! factory over HTTP beside the same signatures on bare threads, and the figures of `people`.

mod cell;
mod pgbench;
mod record;
mod script;
mod signing;
mod stack;
mod traffic;

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Map, Value, json};

use self::cell::Cell;
use self::signing::Signing;
use self::stack::{POOL, Stack};
use self::traffic::Traffic;
use crate::cpu::{Clock, machine_seconds};
use crate::report::{Output, print, rounded, say};
use crate::statistics::Spread;
use crate::{machine, people};

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// A fleet of a hundred thousand and short rounds
    #[arg(long)]
    quick: bool,
    /// Rounds of each [default: 5, with --quick 3]
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=50))]
    rounds: Option<usize>,
    /// Only what is beside pgbench
    #[arg(long)]
    only_statements: bool,
    #[command(flatten)]
    output: Output,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Size {
    devices: u32,
    people: u32,
    rounds: usize,
    /// Of each half of a round.
    measure: Duration,
    /// Devices that a round registers.
    signatures: usize,
}

impl Size {
    fn of(arguments: &Arguments) -> Self {
        let (quick, rounds) = (arguments.quick, arguments.rounds);
        if quick {
            return Self {
                devices: 100_000,
                people: 20_000,
                rounds: rounds.unwrap_or(3),
                measure: Duration::from_secs(2),
                signatures: 1000,
            };
        }
        Self {
            devices: 1_000_000,
            people: 100_000,
            rounds: rounds.unwrap_or(5),
            measure: Duration::from_secs(4),
            signatures: 4000,
        }
    }
}

/// Figures by name, and how far their rounds lay apart.
#[derive(Debug, Default)]
struct Figures {
    figures: Map<String, Value>,
    spreads: Map<String, Value>,
    refused: Vec<String>,
}

impl Figures {
    fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// Notes the median of some rounds, if there were any.
    fn spread(&mut self, name: &str, values: &[f64]) {
        let Some(spread) = Spread::of(values.iter().copied()) else {
            return self.note(name, Value::Null);
        };
        self.note(name, rounded(spread.median));
        let range = json!([rounded(spread.low), rounded(spread.high)]);
        self.spreads.insert(name.to_owned(), range);
    }
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        say("built without --release: no figure of this run counts");
    }
    let (size, start) = (Size::of(arguments), Instant::now());
    let mut found = Figures::default();
    let stack = Stack::start(size.devices)?;
    say("recording what the service asks of the database");
    let mut cells: Vec<Cell> = Traffic::all(&stack, size.devices)?
        .into_iter()
        .map(|traffic| Cell::new(&stack, traffic))
        .collect::<anyhow::Result<_>>()?;
    stack.stop_recording()?;

    let ours = Clock::of_this_process().with(stack.clock());
    let before = (machine_seconds(), ours.seconds(), Instant::now());
    for round in 0..size.rounds {
        for cell in &mut cells {
            cell.round(&stack, size.measure, round)?;
        }
    }
    note_others(
        &mut found,
        &ours,
        &before,
        cells.iter().map(Cell::pgbench_cpu).sum(),
    );
    for cell in &cells {
        cell.note(&mut found, size.rounds);
        print(&cell.line())?;
    }
    let reads = cells.iter().filter(|cell| !cell.is_write());
    let slowest = reads.filter_map(Cell::ratio).min_by(f64::total_cmp);
    found.note("read_vs_pgbench", slowest.map_or(Value::Null, rounded));

    let mut details = Value::Null;
    if !arguments.only_statements {
        let mut signing = Signing::new(&stack, size.signatures)?;
        for round in 0..size.rounds {
            signing.round(&stack, round)?;
        }
        signing.note(&mut found);
        print(&signing.line())?;
        drop(stack);
        say("people at the hooks");
        let asked = people::Arguments::of(size.devices, size.people, size.rounds);
        let people = people::measure(&asked)?;
        print(&people.text)?;
        for (name, value) in people.figures.as_object().into_iter().flatten() {
            if value.is_null() {
                found.refused.push(name.clone());
            }
            found.note(name, value.clone());
        }
        details = people.details;
    }

    let mut figures = Value::Object(found.figures);
    figures["scenario"] = json!("api");
    figures["quick"] = json!(arguments.quick);
    figures["devices"] = json!(size.devices);
    figures["people"] = json!(size.people);
    figures["rounds"] = json!(size.rounds);
    figures["database_connections"] = json!(POOL);
    figures["http_connections"] = json!(traffic::CONNECTIONS);
    figures["fsync"] = json!(true);
    figures["spread"] = Value::Object(found.spreads);
    figures["refused"] = json!(found.refused);
    figures["machine"] = machine::describe();
    figures["seconds"] = rounded(start.elapsed().as_secs_f64());
    arguments
        .output
        .finish(&figures, &json!({ "people": details }))?;
    ensure!(
        found.refused.is_empty(),
        "refused, because the generator and not the service was measured: {}",
        found.refused.join(", ")
    );
    Ok(())
}

/// What everybody else on the machine used during the rounds, in processors.
fn note_others(
    found: &mut Figures,
    ours: &Clock,
    before: &(Option<crate::cpu::MachineSeconds>, f64, Instant),
    pgbench: f64,
) {
    let (Some(machine), Some(now)) = (before.0, machine_seconds()) else {
        return;
    };
    let seconds = before.2.elapsed().as_secs_f64();
    let others = now.busy - machine.busy - (ours.seconds() - before.1) - pgbench;
    found.note("others_cores", rounded((others / seconds).max(0.0)));
    let stolen = (now.stolen - machine.stolen) / seconds;
    found.note("stolen_cores", rounded(stolen));
}
