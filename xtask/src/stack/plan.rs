//! What is started, decided before anything is.

use std::path::PathBuf;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::process::Shell;
use crate::stack::layout::Layout;
use crate::stack::ports::Ports;

/// The binaries of the stack, each of the package of the same name.
pub(crate) const PROGRAMS: &[&str] = &[
    "dev-postgres",
    "certs",
    "schema",
    "dev-issuer",
    "hook-service",
    "dev-broker",
    "api-service",
    "device-simulator",
];

/// Everything that starting needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) root: PathBuf,
    pub(crate) shell: Shell,
    pub(crate) layout: Layout,
    /// The folder of the built binaries.
    pub(crate) programs: PathBuf,
    pub(crate) ports: Ports,
    pub(crate) simulation: Simulation,
}

impl Plan {
    /// A command for one of our programs that runs to its end.
    pub(crate) fn tool(&self, program: &str) -> tokio::process::Command {
        let mut command = self.shell.command(self.programs.join(program));
        forget_settings(&mut command);
        command
    }
}

/// Takes settings of the caller's environment away: services refuse those they do not know, and
/// what a stack is told must not depend on where it was started.
pub(crate) fn forget_settings(command: &mut tokio::process::Command) {
    for (name, _) in std::env::vars_os() {
        let known = name
            .to_str()
            .is_some_and(|name| SETTINGS.iter().any(|prefix| name.starts_with(prefix)));
        if known {
            command.env_remove(name);
        }
    }
}

/// How the names of our programs' settings begin.
const SETTINGS: &[&str] = &["HOOK_", "API_", "SCHEMA_"];

/// The simulated devices.
#[derive(Debug, Clone)]
pub(crate) struct Simulation {
    /// How many.
    pub(crate) devices: u32,
    /// The beginning of their ids.
    pub(crate) prefix: &'static str,
    /// How often each reports, in the simulator's words.
    pub(crate) interval: &'static str,
}

/// Builds the programs and says how long it took; returns the folder that they are in.
pub(crate) async fn build(
    checkout: &Checkout,
    shell: &Shell,
    console: &Console,
) -> anyhow::Result<PathBuf> {
    console
        .say("building the stack (the first time takes minutes: cargo compiles every dependency)");
    let mut args = vec!["build", "--locked"];
    args.extend(PROGRAMS.iter().flat_map(|program| ["--package", program]));
    // cargo's own progress is what people know; stdout stays ours.
    let status = checkout.cargo(shell, args).status().await?;
    anyhow::ensure!(
        status.success(),
        "cargo build failed ({status}); the errors are above"
    );
    Ok(checkout.target_dir(shell).await?.join("debug"))
}
