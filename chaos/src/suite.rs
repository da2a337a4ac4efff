//! The chaos suite: one fault after the other on a stack under load, each followed by the same judgement.

mod cli;
mod disk;
mod fault;
mod report;
mod run;
mod verify;

pub(crate) use cli::Arguments;

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use chaos::programs::{self, Programs};

use self::fault::{FAULTS, Fault};
pub(crate) use self::report::say;
use self::report::{Report, print};
use self::run::{Effort, Run};
use crate::alerts::Rules;

/// Runs what the command line asks for.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let wanted = choose(arguments)?;
    if arguments.list {
        for fault in wanted {
            print(&format!("{:<24} {}", fault.name(), fault.about()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let seed = arguments.seed.unwrap_or_else(rand::random);
    say(&format!(
        "seed {seed}: chaos --seed {seed} draws the same delays again"
    ));
    let rules = Rules::shipped()?;
    let programs = match &arguments.programs {
        Some(folder) => Programs::of(folder, &programs::STACK)?,
        None => Programs::up_to_date(&programs::STACK)?,
    };
    let effort = Effort::of(arguments.short);
    let mut report = Report::new(arguments.short, seed);
    let ended = everything(&programs, &wanted, effort, seed, rules, &mut report).await;
    if let Err(error) = &ended {
        report.failed(format!("{error:#}"));
    }
    // All alerts can be seen only where all faults were.
    let whole = !arguments.short && arguments.only.is_none();
    let ok = report.conclude(whole);
    report.tell()?;
    if arguments.json {
        print(&report.as_json().to_string())?;
    }
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn everything(
    programs: &Programs,
    wanted: &[Fault],
    effort: Effort,
    seed: u64,
    rules: Rules,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (own_stack, shared): (Vec<Fault>, Vec<Fault>) = wanted
        .iter()
        .copied()
        .partition(|fault| fault.needs_its_own_stack());
    let mut rules = rules;
    if !shared.is_empty() {
        let run = Run::start(programs, effort, seed, rules, None, shared.len()).await;
        let mut run = run.context("starting the stack")?;
        let mut ended = Ok(());
        for fault in shared {
            ended = run.suffer(fault, report).await;
            if ended.is_err() {
                break;
            }
        }
        rules = run.end(ended, report).await?;
    }
    for fault in own_stack {
        rules = disk::suffer(programs, effort, seed, rules, fault, report).await?;
    }
    report.alerts(&rules);
    Ok(())
}

fn choose(arguments: &Arguments) -> anyhow::Result<Vec<Fault>> {
    let chosen: Vec<Fault> = FAULTS
        .iter()
        .copied()
        .filter(|fault| match &arguments.only {
            Some(part) => fault.name().contains(part.as_str()),
            None => !arguments.short || fault.is_in_short_form(),
        })
        .collect();
    let names: Vec<_> = FAULTS.iter().map(|fault| fault.name()).collect();
    ensure!(
        !chosen.is_empty(),
        "no fault has that in its name; there are: {}",
        names.join(", ")
    );
    Ok(chosen)
}
