//! Short-lived commands: run to the end, with what they printed.

pub(crate) mod tied;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;

/// Names the folder of PostgreSQL's programs, for `dev-postgres` and all tests that use it.
pub(crate) const POSTGRES_BIN: &str = "DEV_POSTGRES_BIN";

/// The environment that commands run in: where tools were found or unpacked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shell {
    /// Folders put before `PATH`.
    pub(crate) bin: Vec<PathBuf>,
    /// Folders put before `LD_LIBRARY_PATH`.
    pub(crate) lib: Vec<PathBuf>,
    /// Where PostgreSQL's programs are, for those who look in places of their own.
    pub(crate) postgres: Option<PathBuf>,
}

impl Shell {
    /// A command with this environment, no input, and no life after the handle is dropped.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).kill_on_drop(true);
        for (name, folders) in [("PATH", &self.bin), ("LD_LIBRARY_PATH", &self.lib)] {
            if let Some(value) = before(folders, std::env::var_os(name)) {
                command.env(name, value);
            }
        }
        if let Some(folder) = &self.postgres {
            command.env(POSTGRES_BIN, folder);
        }
        command
    }

    /// The full path of a program, looked for where [`Shell::command`] would find it.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = self
            .bin
            .iter()
            .cloned()
            .chain(std::env::split_paths(&inherited));
        folders
            .map(|folder| folder.join(program))
            .find(|path| is_program(path))
    }
}

/// The value of a path list with `folders` in front; `None` when there is nothing to add.
fn before(folders: &[PathBuf], inherited: Option<OsString>) -> Option<OsString> {
    if folders.is_empty() {
        return None;
    }
    let inherited = inherited.unwrap_or_default();
    let rest = std::env::split_paths(&inherited).filter(|path| !path.as_os_str().is_empty());
    std::env::join_paths(folders.iter().cloned().chain(rest)).ok()
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What a finished command left behind.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Everything it printed, stdout first.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// stdout of a command that had to succeed.
    pub(crate) fn stdout_of(self, what: &str) -> anyhow::Result<String> {
        if self.status.success() {
            return Ok(self.stdout);
        }
        bail!(
            "{what} failed ({}): {}",
            self.status,
            last_lines(&self.all(), 12)
        );
    }
}

/// Runs to the end with no deadline: for builds and installers.
pub(crate) async fn output(command: &mut Command) -> anyhow::Result<Finished> {
    let output = command
        .output()
        .await
        .with_context(|| format!("starting {}", named(command)))?;
    Ok(Finished {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs to the end or to the deadline, whichever is first; `None` when the deadline won (the
/// command is killed then).
pub(crate) async fn output_within(
    command: &mut Command,
    limit: Duration,
) -> anyhow::Result<Option<Finished>> {
    match tokio::time::timeout(limit, output(command)).await {
        Ok(finished) => finished.map(Some),
        Err(_elapsed) => Ok(None),
    }
}

fn named(command: &Command) -> String {
    command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned()
}

/// The last lines of a text, for an error that quotes a log.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacked_tools_come_before_inherited_ones() {
        let joined = before(&["/new".into()], Some("/old:/older".into())).unwrap();
        assert_eq!(joined, "/new:/old:/older");
        assert_eq!(before(&["/new".into()], None).unwrap(), "/new");
        assert_eq!(before(&[], Some("/old".into())), None);
    }

    #[test]
    fn only_the_last_lines_are_quoted() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }

    #[tokio::test]
    async fn a_command_past_its_deadline_is_killed() {
        let mut sleep = Shell::default().command("sleep");
        let finished = output_within(sleep.arg("60"), Duration::from_millis(50))
            .await
            .unwrap();
        assert!(finished.is_none());
    }

    #[tokio::test]
    async fn a_failing_command_is_quoted_with_its_status() {
        let mut sh = Shell::default().command("sh");
        let finished = output(sh.args(["-c", "echo told >&2; exit 3"]))
            .await
            .unwrap();
        let error = finished.stdout_of("the shell").unwrap_err().to_string();
        assert!(
            error.contains("the shell failed") && error.contains("told"),
            "{error}"
        );
    }
}
