//! `cargo xtask up`: the whole stack until Ctrl-C, and one screen that says what is where.

mod screen;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::checkout::Checkout;
use crate::cli::UpOptions;
use crate::console::{self, Console, Steps};
use crate::stack::children::Children;
use crate::stack::layout::Layout;
use crate::stack::plan::{self, Plan, Simulation};
use crate::stack::ports::Ports;
use crate::stack::{lock, start};
use crate::tools;

/// Simulated devices when nobody says otherwise.
const DEVICES: u32 = 5;
/// The folder below `.state/` of everything that `up` makes. What else is there is not its own:
/// unpacked tools, and the secrets and certificates of compose and Kubernetes.
const FOLDER: &str = "up";
/// What `--fresh` throws away. Logs stay: they may tell why somebody wants a fresh start.
const STATE: &[&str] = &["database", "pki", "passwords", "devices", "cast", "run"];

pub(crate) async fn run(
    checkout: &Checkout,
    console: &Console,
    options: &UpOptions,
) -> anyhow::Result<()> {
    let state = checkout.state().join(FOLDER);
    let _lock = lock::take(&state)?;
    let shell = tools::ready(checkout, console).await?;
    let programs = plan::build(checkout, &shell, console).await?;
    if options.fresh {
        forget(&state)?;
        console.say("the state of earlier runs is gone (--fresh)");
    }
    let layout = Layout::make(&state)?;
    layout.empty_logs()?;
    let plan = Plan {
        root: checkout.root().to_owned(),
        shell: shell.clone(),
        layout: layout.clone(),
        programs: programs.clone(),
        ports: Ports::Nice,
        simulation: Simulation {
            devices: options.devices.unwrap_or(DEVICES),
            prefix: "grow",
            interval: "5s",
        },
    };
    let mut children = Children::new(shell, layout, programs);
    let outcome = tokio::select! {
        outcome = serve(&plan, &mut children, console) => outcome,
        signal = interrupted() => signal.map(|name| console.say(format!("{name}: stopping"))),
    };
    children.stop(console).await;
    console.say("everything is stopped; state and logs stay in .state/up/");
    outcome
}

/// Comes back only with an error: a stack does not end by itself.
async fn serve(plan: &Plan, children: &mut Children, console: &Console) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let places = start::services(plan, children, console, &mut steps).await?;
    start::devices(plan, children, &places)?;
    console.say(format!(
        "{} simulated devices are starting",
        plan.simulation.devices
    ));
    console::result(screen::text(plan, &places))?;
    let death = children.first_death().await;
    bail!("everything is stopped, because {death}");
}

fn forget(state: &std::path::Path) -> anyhow::Result<()> {
    for name in STATE {
        let folder = state.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("removing {}", folder.display()))?;
        }
    }
    Ok(())
}

/// Waits for Ctrl-C or `kill`, and says which it was.
pub(crate) async fn interrupted() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| "Ctrl-C").context("listening for Ctrl-C"),
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = hangup.recv() => Ok("SIGHUP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_start_forgets_state_but_not_logs() {
        let state = tempfile::tempdir().unwrap();
        for name in ["database", "passwords", "pki", "logs"] {
            std::fs::create_dir(state.path().join(name)).unwrap();
        }
        forget(state.path()).unwrap();
        let mut left: Vec<_> = state
            .path()
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["logs"]);
    }
}
