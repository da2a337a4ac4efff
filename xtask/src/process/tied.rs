//! Children that cannot outlive us, whatever ends us.
//!
//! `kill -9` of xtask leaves no destructor to run, so the kernel does the work: the child asks for
//! a signal at its parent's death (`PR_SET_PDEATHSIG`) through `setpriv` of util-linux, and then
//! becomes the program. The signal follows the *thread* that forked, hence the single-threaded
//! runtime in `main`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;

use super::Shell;

/// What the kernel sends the child when we are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtOurDeath {
    /// For programs that own nothing that needs an orderly end.
    Kill,
    /// For supervisors, which have children of their own to stop.
    Terminate,
}

/// A command for a child whose output goes to `log`, in a process group of its own (so that a
/// Ctrl-C in the terminal reaches only us and the order of stopping is ours).
pub(crate) fn command(
    shell: &Shell,
    program: impl AsRef<OsStr>,
    at_our_death: AtOurDeath,
    log: &Path,
) -> anyhow::Result<Command> {
    let told = |error| format!("opening the log {}: {error}", log.display());
    let out = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log);
    let out = out.map_err(|error| anyhow::anyhow!(told(error)))?;
    let err = out
        .try_clone()
        .context("sharing the log between stdout and stderr")?;
    let mut command = shell.command("setpriv");
    command
        .args(["--pdeathsig", at_our_death.name(), "--"])
        .arg(program)
        // Logs are files: no colours.
        .env("NO_COLOR", "1")
        .stdout(Stdio::from(out))
        .stderr(Stdio::from(err))
        .process_group(0);
    Ok(command)
}

impl AtOurDeath {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Terminate => "TERM",
        }
    }
}
