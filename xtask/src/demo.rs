//! `cargo xtask up --demo`: the whole story once, in a state folder of its own, judged from outside.
//!
//! From a CSR to a live MQTT session and out again. Progress goes to stderr; with `--json` the last
//! line of stdout is the report.

mod attempts;
mod cast;
mod foreign_topics;
mod mosquitto;
mod openssl;
mod report;
mod restart;
mod revocation;
mod s_client;
mod scene;
mod seen;
mod strangers;
mod telemetry;
mod watcher;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::checkout::Checkout;
use crate::cli::UpOptions;
use crate::console::{self, Console, Steps, seconds};
use crate::demo::attempts::Attempts;
use crate::demo::cast::Cast;
use crate::demo::report::Report;
use crate::demo::scene::Scene;
use crate::stack::children::Children;
use crate::stack::layout::Layout;
use crate::stack::places::Places;
use crate::stack::plan::{self, Plan, Simulation};
use crate::stack::ports::Ports;
use crate::stack::{lock, start};
use crate::{tools, up};

/// Simulated devices when nobody says otherwise.
const DEVICES: u32 = 24;
/// The name of the state folders of demos, the process id follows.
const FOLDER: &str = "demo-";

pub(crate) async fn run(
    checkout: &Checkout,
    console: &Console,
    options: &UpOptions,
) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let mut report = Report::default();
    let outcome = play(checkout, console, options, &mut steps, &mut report).await;
    if let Err(error) = &outcome {
        report.wrong.push(format!("{error:#}"));
    }
    report.judge();
    report.seconds = seconds(steps.total());
    report.steps = steps.as_json();
    if options.json {
        console::result(serde_json::to_string(&report)?)?;
    }
    if report.ok {
        console.say(format!(
            "the whole story went well in {:.1} s",
            steps.total().as_secs_f64()
        ));
        return Ok(());
    }
    bail!(
        "the story did not go well:\n  {}",
        report.wrong.join("\n  ")
    );
}

async fn play(
    checkout: &Checkout,
    console: &Console,
    options: &UpOptions,
    steps: &mut Steps,
    report: &mut Report,
) -> anyhow::Result<()> {
    let shell = tools::ready(checkout, console).await?;
    steps.done("tools");
    let programs = plan::build(checkout, &shell, console).await?;
    let took = steps.done("build");
    console.say(format!("built in {:.1} s", took.as_secs_f64()));

    sweep(&checkout.state(), console);
    let state = checkout
        .state()
        .join(format!("{FOLDER}{}", std::process::id()));
    let lock = lock::take(&state)?;
    let layout = Layout::make(&state)?;
    let plan = Plan {
        root: checkout.root().to_owned(),
        shell: shell.clone(),
        layout: layout.clone(),
        programs: programs.clone(),
        ports: Ports::Kernel,
        simulation: Simulation {
            devices: options.devices.unwrap_or(DEVICES),
            prefix: "grow",
            interval: "1s",
        },
    };
    let mut children = Children::new(shell, layout, programs);
    let outcome = tokio::select! {
        outcome = perform(&plan, &mut children, console, steps, report) => outcome,
        signal = up::interrupted() => signal.and_then(|name| bail!("stopped by {name}")),
    };
    if outcome.is_err() {
        steps.done("what did not end well");
    }
    children.stop(console).await;
    steps.done("stop");
    drop(lock);
    if outcome.is_ok() && report.wrong.is_empty() && !options.keep {
        std::fs::remove_dir_all(&state).with_context(|| format!("removing {}", state.display()))?;
    } else {
        console.say(format!("state and logs are kept in {}", state.display()));
    }
    outcome
}

/// Starts the stack and plays the story in it; any process that dies ends both.
async fn perform(
    plan: &Plan,
    children: &mut Children,
    console: &Console,
    steps: &mut Steps,
    report: &mut Report,
) -> anyhow::Result<()> {
    let places = start::services(plan, children, console, steps).await?;
    start::devices(plan, children, &places)?;
    tokio::select! {
        outcome = story(plan, &places, console, steps, report) => outcome,
        death = children.first_death() => bail!(death),
    }
}

async fn story(
    plan: &Plan,
    places: &Places,
    console: &Console,
    steps: &mut Steps,
    report: &mut Report,
) -> anyhow::Result<()> {
    let scene = Scene::set(plan, places)
        .await
        .context("setting the scene")?;
    let audience = telemetry::Audience::seat(&scene)
        .await
        .context("the service clients")?;
    steps.done("service clients");

    let fleet = telemetry::fleet(&scene, plan)
        .await
        .context("the simulated devices")?;
    report.devices = Some(fleet.registered);
    report.connected = Some(fleet.connected);
    let took = steps.done("devices").as_secs_f64();
    console.say(format!(
        "{} devices manufactured, {} connected over mTLS ({took:.1} s)",
        fleet.registered, fleet.connected
    ));

    let cast = Cast::enrol(&scene)
        .await
        .context("manufacturing the cast")?;
    let took = steps.done("cast").as_secs_f64();
    console.say(format!(
        "{} more devices manufactured for openssl and mosquitto ({took:.1} s)",
        cast.count()
    ));

    let strangers = strangers::try_all(&scene, &cast.abused)
        .await
        .context("strangers")?;
    report.stranger_attempts = Some(strangers.made);
    report.stranger_refused = Some(strangers.refused);
    tell(console, steps, report, "strangers", strangers);

    let foreign = foreign_topics::try_all(&scene, &cast, &audience.auditor).await;
    let foreign = foreign.context("foreign topics")?;
    report.foreign_topic_attempts = Some(foreign.made);
    report.foreign_topic_refused = Some(foreign.refused);
    tell(console, steps, report, "foreign topics", foreign);

    let revocation = revocation::play(&scene, &cast)
        .await
        .context("the revocation")?;
    let closed = u64::try_from(revocation.closed.as_millis()).unwrap_or(u64::MAX);
    report.revoked_closed_ms = Some(closed);
    report.revoked_attempts = Some(revocation.attempts.made);
    report.revoked_refused = Some(revocation.attempts.refused);
    console.say(format!(
        "a live device was revoked: closed after {closed} ms"
    ));
    tell(
        console,
        steps,
        report,
        "revoked device",
        revocation.attempts,
    );

    let restart = restart::play(&scene, &cast)
        .await
        .context("the restart of PostgreSQL")?;
    report.pg_restart_answers = Some(restart.answers);
    report.pg_restart_wrong = Some(restart.wrong);
    report.wrong.extend(restart.quotes);
    let took = steps.done("restart").as_secs_f64();
    console.say(format!(
        "PostgreSQL restarted {} times: {} hook answers meanwhile, {} wrong ({took:.1} s)",
        restart.restarts, restart.answers, restart.wrong
    ));

    let received = telemetry::enough(&audience.gateway)
        .await
        .context("telemetry")?;
    report.telemetry_received = Some(received);
    steps.done("telemetry");
    console.say(format!(
        "{received} different telemetry messages at the service client"
    ));
    Ok(())
}

/// Says how an act ended and keeps what went wrong in it.
fn tell(
    console: &Console,
    steps: &mut Steps,
    report: &mut Report,
    name: &'static str,
    act: Attempts,
) {
    let took = steps.done(name).as_secs_f64();
    console.say(format!(
        "{name}: {} of {} attempts refused ({took:.1} s)",
        act.refused, act.made
    ));
    report.wrong.extend(act.wrong);
}

/// Removes what demos left behind that were killed: their lock is free.
fn sweep(state: &Path, console: &Console) {
    let Ok(entries) = state.read_dir() else {
        return;
    };
    let demos = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path: &PathBuf| is_demo(path));
    for folder in demos.filter(|folder| lock::is_free(folder)) {
        console.say(format!(
            "removing what an earlier demo left in {}",
            folder.display()
        ));
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn is_demo(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.strip_prefix(FOLDER))
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_demos_are_swept() {
        let state = tempfile::tempdir().unwrap();
        for name in ["demo-1", "demo-2", "demo-x", "logs"] {
            std::fs::create_dir(state.path().join(name)).unwrap();
        }
        let _alive = lock::take(&state.path().join("demo-2")).unwrap();
        sweep(state.path(), &Console::new());
        let mut left: Vec<_> = state
            .path()
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["demo-2", "demo-x", "logs"]);
    }
}
