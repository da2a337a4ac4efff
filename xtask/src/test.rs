//! `cargo xtask test`: everything CI runs, in the order in which a failure is cheapest to find.
//!
//! The last line is `N passed, M failed`, summing cargo's tests and the checks made here.

mod chaos_report;
mod contract;
mod demo_report;
mod tally;

use std::ffi::OsString;
use std::process::Stdio;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::checkout::Checkout;
use crate::cli::TestOptions;
use crate::console::{self, Console, Steps};
use crate::process::{Shell, output};
use crate::test::tally::Tally;
use crate::{tidy, tools};

pub(crate) async fn run(
    checkout: &Checkout,
    console: &Console,
    options: &TestOptions,
) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let mut tally = Tally::default();
    let outcome = all(checkout, console, options, &mut steps, &mut tally).await;
    if outcome.is_err() && tally.failed == 0 {
        tally.failed = 1; // a step that could not even start its tests
    }
    console.say(format!("seconds per step: {}", steps.as_json()));
    if let Err(error) = &outcome {
        console.say(format!("FAILED: {error:#}"));
    }
    // On both streams' last line, whichever one a reader keeps.
    console::result(tally.line())?;
    if outcome.is_err() {
        std::process::exit(1);
    }
    Ok(())
}

async fn all(
    checkout: &Checkout,
    console: &Console,
    options: &TestOptions,
    steps: &mut Steps,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let shell = tools::ready(checkout, console).await.context("tools")?;
    steps.done("tools");
    if options.contract {
        return the_contract(checkout, &shell, console, steps, tally).await;
    }

    console.say("npm ci in dev-oidc");
    npm_ci(checkout, &shell, "dev-oidc")
        .await
        .context("dev-oidc")?;
    steps.done("dev-oidc");

    console.say("cargo test --workspace --locked");
    let tested = cargo_test(checkout, &shell, tally, &[], &[]).await;
    let took = steps.done("cargo test");
    tested.context("cargo test")?;
    console.say(format!(
        "cargo test: {} in {:.0} s",
        tally.line(),
        took.as_secs_f64()
    ));

    the_contract(checkout, &shell, console, steps, tally).await?;

    let violations = tidy::check(checkout.root())?;
    tally.check_all(tidy::RULES.len(), violations.len());
    steps.done("tidy");
    if !violations.is_empty() {
        bail!("tidy: {}", tidy::list(&violations));
    }
    console.say(format!("tidy: {} rules hold", tidy::RULES.len()));

    if options.no_demo {
        console.say("the end-to-end demo and the chaos suite were left out (--no-demo)");
        return Ok(());
    }
    console.say("cargo xtask up --demo --json");
    let report = reported(checkout, &shell, DEMO)
        .await
        .context("up --demo --json")?;
    let took = steps.done("demo");
    console::result(report.to_string())?;
    let wrong = demo_report::check(&report);
    tally.check_all(demo_report::CHECKS, wrong.len());
    if !wrong.is_empty() {
        bail!("the demo's report does not hold: {}", wrong.join("; "));
    }
    console.say(format!(
        "demo: {} checks hold, {:.0} s",
        demo_report::CHECKS,
        took.as_secs_f64()
    ));

    console.say("chaos --short --json");
    let report = reported(checkout, &shell, CHAOS)
        .await
        .context("chaos --short --json")?;
    let took = steps.done("chaos");
    console::result(report.to_string())?;
    let wrong = chaos_report::check(&report);
    tally.check_all(chaos_report::CHECKS, wrong.len());
    if !wrong.is_empty() {
        bail!(
            "the chaos suite's report does not hold: {}",
            wrong.join("; ")
        );
    }
    console.say(format!(
        "chaos: {} checks hold, {:.0} s",
        chaos_report::CHECKS,
        took.as_secs_f64()
    ));
    Ok(())
}

async fn the_contract(
    checkout: &Checkout,
    shell: &Shell,
    console: &Console,
    steps: &mut Steps,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    console.say("the contract: schemathesis and the TypeScript client against the service");
    let tested = contract::run(checkout, shell, console, tally).await;
    steps.done("contract");
    tested.context("contract")
}

/// Installs a folder's Node packages, exactly as its lock file says: the `OpenID` Connect provider
/// that tests sign in at, and the client in TypeScript.
async fn npm_ci(checkout: &Checkout, shell: &Shell, folder: &str) -> anyhow::Result<()> {
    let Some(npm) = shell.find("npm") else {
        bail!("npm was not found: install Node.js 20 or newer, {folder} is written for it");
    };
    let mut command = shell.command(npm);
    command
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(checkout.root().join(folder));
    output(&mut command).await?.stdout_of("npm ci")?;
    Ok(())
}

/// Runs tests, passing their output on as it comes and counting its closing lines. `more` chooses among
/// all; `environment` is what they are told besides.
async fn cargo_test(
    checkout: &Checkout,
    shell: &Shell,
    tally: &mut Tally,
    more: &[&str],
    environment: &[(OsString, OsString)],
) -> anyhow::Result<()> {
    let before = *tally;
    let args = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let mut command = checkout.cargo(shell, args.iter().chain(more));
    let mut child = command
        // It was installed just now, so nothing may be skipped for want of it.
        .env("IOT_HUB_NEEDS_OIDC", "1")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo test")?;
    let stdout = child.stdout.take().context("stdout was just asked for")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        tally.read(&line);
        console::result(line)?;
    }
    let status = child.wait().await?;
    if !status.success() {
        bail!(
            "{} of the tests failed ({status}); cargo lists them above",
            tally.failed - before.failed
        );
    }
    if tally.passed == before.passed {
        bail!("cargo ran no test at all");
    }
    Ok(())
}

/// The demo, as a user would run it.
const DEMO: &[&str] = &["xtask", "--", "up", "--demo", "--json"];
/// The short form of the chaos suite.
const CHAOS: &[&str] = &["chaos", "--", "--short", "--json"];

/// Runs a program of ours and returns the JSON of its last line.
async fn reported(checkout: &Checkout, shell: &Shell, program: &[&str]) -> anyhow::Result<Value> {
    let args = ["run", "--quiet", "--locked", "--package"];
    let mut command = checkout.cargo(shell, args.iter().chain(program));
    // Its progress goes straight to our stderr; only the report is read.
    let child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.join(" ")))?;
    let output = child.wait_with_output().await?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default();
    if !output.status.success() {
        bail!("it ended with {}; its report: {last}", output.status);
    }
    serde_json::from_str(last).with_context(|| format!("its last line is not JSON: {last}"))
}
