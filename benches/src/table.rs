//! The scenario `table`: what the fleet table costs in memory and time, against a real PostgreSQL.
//!
//! dev-postgres (fsync on), schema and hook-service run as processes, as shipped; the harness is
//! one more client of each.

mod applied;
mod ask;
mod burst;
mod load_time;
mod memory;
mod reload;
pub(crate) mod stack;

use std::time::Instant;

use chaos::programs::Programs;
use serde_json::{Map, Value, json};

use self::memory::TenMillion;
use self::stack::Stack;
use crate::machine;
use crate::report::{Output, print, rounded, say};
use crate::statistics::Spread;

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// A fleet of a hundred thousand, short measurements, no ten million
    #[arg(long)]
    quick: bool,
    /// The memory of ten million devices too; the run is refused where 6 GiB are not free
    #[arg(long)]
    ten_million: bool,
    /// Devices in the database [default: 1000000, with --quick 100000]
    #[arg(long)]
    devices: Option<u32>,
    #[command(flatten)]
    output: Output,
}

/// What the parts of the scenario found: figures by name, and how far their rounds lay apart.
#[derive(Debug, Default)]
struct Found {
    figures: Map<String, Value>,
    spreads: Map<String, Value>,
    wrong_answers: u64,
}

impl Found {
    fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    fn spread(&mut self, name: &str, spread: Spread) {
        self.note(name, rounded(spread.median));
        let range = json!([rounded(spread.low), rounded(spread.high)]);
        self.spreads.insert(name.to_owned(), range);
    }
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::up_to_date(&stack::PROGRAMS)?;
    let start = Instant::now();
    let devices = arguments
        .devices
        .unwrap_or(if arguments.quick { 100_000 } else { 1_000_000 });
    let mut found = Found::default();
    let ten_million = match (arguments.ten_million, arguments.quick) {
        (true, _) => TenMillion::Wanted,
        (false, true) => TenMillion::LeftOut,
        (false, false) => TenMillion::IfTheyFit,
    };
    memory::measure(ten_million, &mut found)?;

    say(&format!(
        "a durable PostgreSQL with {devices} devices is being made"
    ));
    let stack = Stack::start(&programs, devices)?;
    let rounds = if arguments.quick { 3 } else { 5 };
    load_time::measure(&stack, rounds, &mut found)?;
    let hooks = stack.hooks(&[])?;
    found.note(
        "hook_resident_bytes_per_device",
        hooks.resident_bytes() / u64::from(devices),
    );
    applied::measure(&stack, &hooks, arguments.quick, &mut found)?;
    burst::measure(&stack, &hooks, &mut found)?;
    drop(hooks);
    reload::measure(&stack, arguments.quick, &mut found)?;

    found.note("wrong_answers", found.wrong_answers);
    let mut figures = Value::Object(found.figures);
    figures["scenario"] = json!("table");
    figures["quick"] = json!(arguments.quick);
    figures["devices"] = json!(devices);
    figures["rounds"] = json!(rounds);
    figures["spread"] = Value::Object(found.spreads);
    figures["machine"] = machine::describe();
    figures["seconds"] = rounded(start.elapsed().as_secs_f64());
    for (name, value) in figures.as_object().into_iter().flatten() {
        if value.is_number() {
            print(&format!("{name:<36} {value}"))?;
        }
    }
    let wrong = figures["wrong_answers"].as_u64().unwrap_or_default();
    arguments.output.finish(&figures, &Value::Null)?;
    anyhow::ensure!(wrong == 0, "{wrong} answers were wrong");
    Ok(())
}
