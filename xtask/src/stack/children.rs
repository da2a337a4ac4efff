//! The processes of a stack: started in order, watched, stopped in the reverse order.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::console::Console;
use crate::process::tied::{self, AtOurDeath};
use crate::process::{Shell, last_lines};
use crate::stack::layout::Layout;
use crate::stack::plan::forget_settings;
use crate::wait;

/// How long a process may take to listen, the first start of a database included.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);
/// How long a process may take to end after it was asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// How often the children are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Lines of a log that are shown when its process died.
const LOG_LINES: usize = 15;

/// A long-running process.
#[derive(Debug)]
struct Running {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// All processes of one stack. Dropping it kills them at once; [`Children::stop`] is the kind way.
#[derive(Debug)]
pub(crate) struct Children {
    shell: Shell,
    layout: Layout,
    programs: PathBuf,
    running: Vec<Running>,
}

impl Children {
    /// `programs` is the folder of the built binaries.
    pub(crate) fn new(shell: Shell, layout: Layout, programs: PathBuf) -> Self {
        Self {
            shell,
            layout,
            programs,
            running: Vec::new(),
        }
    }

    /// Starts a binary of ours under its own name; `configure` adds arguments and environment.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        at_our_death: AtOurDeath,
        configure: impl FnOnce(&mut Command),
    ) -> anyhow::Result<()> {
        let log = self.layout.log(name);
        let _ = std::fs::remove_file(self.layout.address_file(name));
        let mut command = tied::command(&self.shell, self.programs.join(name), at_our_death, &log)?;
        forget_settings(&mut command);
        configure(&mut command);
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        self.running.push(Running { name, child, log });
        Ok(())
    }

    /// Waits until a process has written its address file, and reads it. Ends early, with the log,
    /// when any process dies.
    pub(crate) async fn addresses(&mut self, name: &str) -> anyhow::Result<Value> {
        let path = self.layout.address_file(name);
        let what = format!("{name} listening");
        let text = wait::until(&what, LISTENS_WITHIN, || {
            let step = match self.death() {
                Some(death) => Err(anyhow::anyhow!(death)),
                None => Ok(std::fs::read_to_string(&path).ok()),
            };
            async move { step }
        });
        let text = text.await.with_context(|| self.log_of(name))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Comes back only when a process has ended that nobody stopped; says which, and its last words.
    pub(crate) async fn first_death(&mut self) -> String {
        let mut interval = tokio::time::interval(LOOK_EVERY);
        loop {
            interval.tick().await;
            if let Some(death) = self.death() {
                return death;
            }
        }
    }

    /// A sentence about the first process found dead.
    fn death(&mut self) -> Option<String> {
        for running in &mut self.running {
            if let Ok(Some(status)) = running.child.try_wait() {
                return Some(obituary(running, status));
            }
        }
        None
    }

    /// Stops all, last started first. Says who had to be killed.
    pub(crate) async fn stop(&mut self, console: &Console) {
        while let Some(mut running) = self.running.pop() {
            if let Ok(Some(_)) = running.child.try_wait() {
                continue;
            }
            if let Some(pid) = running
                .child
                .id()
                .and_then(|pid| Pid::from_raw(pid.cast_signed()))
            {
                let _ = kill_process(pid, Signal::TERM);
            }
            if tokio::time::timeout(ENDS_WITHIN, running.child.wait())
                .await
                .is_err()
            {
                console.say(format!(
                    "{} did not stop within {ENDS_WITHIN:?}: killed",
                    running.name
                ));
                let _ = running.child.kill().await;
            }
        }
    }

    /// Where a log is and how it ends.
    pub(crate) fn log_of(&self, name: &str) -> String {
        quote(name, &self.layout.log(name))
    }
}

fn obituary(running: &Running, status: ExitStatus) -> String {
    format!(
        "{} died ({status}); {}",
        running.name,
        quote(running.name, &running.log)
    )
}

fn quote(name: &str, log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    format!(
        "the end of {name}'s log, {}:\n{}\n",
        log.display(),
        last_lines(&text, LOG_LINES)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn children(folder: &Path) -> Children {
        let layout = Layout::make(folder).unwrap();
        Children::new(Shell::default(), layout, PathBuf::from("/bin"))
    }

    #[tokio::test]
    async fn a_process_that_dies_is_named_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut children = children(folder.path());
        let script = "echo out of luck >&2; exit 7";
        children
            .start("sh", AtOurDeath::Kill, |command| {
                command.args(["-c", script]);
            })
            .unwrap();
        let death = children.first_death().await;
        assert!(death.contains("sh died (exit status: 7)"), "{death}");
        assert!(death.contains("out of luck"), "{death}");
    }

    #[tokio::test]
    async fn an_address_file_is_waited_for_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut children = children(folder.path());
        let file = children.layout.address_file("sh");
        let script = format!("echo '{{\"api\": 1}}' > {}; sleep 60", file.display());
        children
            .start("sh", AtOurDeath::Kill, |command| {
                command.args(["-c", &script]);
            })
            .unwrap();
        assert_eq!(children.addresses("sh").await.unwrap()["api"], 1);
        children.stop(&Console::new()).await;
        assert!(children.running.is_empty());
    }

    #[tokio::test]
    async fn a_process_that_dies_before_it_listens_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let mut children = children(folder.path());
        children.start("false", AtOurDeath::Kill, |_| {}).unwrap();
        let error = format!("{:#}", children.addresses("false").await.unwrap_err());
        assert!(error.contains("false died"), "{error}");
    }
}
