//! A process that is started, frozen, killed and waited for; it never outlives this one.
//!
//! Linux sends the parent-death signal when the *thread* that started a child ends, so each child
//! has a thread of its own that lives exactly as long as it does.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::sync::watch;

use crate::wait;

/// How long a process may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);
/// How long one may take to end after it was asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// Lines of a log that are shown when its process died.
const LOG_LINES: usize = 12;

/// How the names of our programs' settings begin. A stack must not depend on where it was started.
const SETTINGS: [&str; 3] = ["HOOK_", "API_", "SCHEMA_"];

/// A running or ended process.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    pid: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
}

/// A command for a program of ours, with no setting inherited.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let ours = name
            .to_str()
            .is_some_and(|name| SETTINGS.iter().any(|prefix| name.starts_with(prefix)));
        if ours {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

impl Process {
    /// Starts it; its output is added to the end of `log`.
    pub fn start(name: &str, wanted: &Command, log: &Path) -> anyhow::Result<Self> {
        let out = OpenOptions::new().create(true).append(true).open(log);
        let out = out.with_context(|| format!("opening {}", log.display()))?;
        let mut tied = Command::new("setpriv");
        tied.args(["--pdeathsig", "KILL", "--"])
            .arg(wanted.get_program())
            .args(wanted.get_args())
            .stdin(Stdio::null())
            .stderr(out.try_clone().context("sharing a log")?)
            .stdout(out);
        for (name, value) in wanted.get_envs() {
            match value {
                Some(value) => tied.env(name, value),
                None => tied.env_remove(name),
            };
        }
        let (started, start) = std::sync::mpsc::sync_channel(1);
        let (tell, ended) = watch::channel(None);
        let keeper = move || match tied.spawn() {
            Ok(mut child) => {
                let _ = started.send(Ok(child.id()));
                tell.send_replace(child.wait().ok().or_else(|| Some(ExitStatus::default())));
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        };
        std::thread::Builder::new()
            .name(format!("keeper of {name}"))
            .spawn(keeper)
            .context("starting a thread")?;
        let id = start
            .recv()
            .context("a thread ended before it began")?
            .with_context(|| format!("starting {name} (through setpriv of util-linux)"))?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        Ok(Self {
            name: name.to_owned(),
            log: log.to_owned(),
            pid: pid.context("a process id is a positive number")?,
            ended,
        })
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// How it ended, if it did.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Freezes it: its connections stay open and it answers nothing.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on after [`Process::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it at once and waits until it is gone.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.signal(Signal::KILL);
        self.wait().await.map(drop)
    }

    /// Asks it to end and waits until it is gone.
    pub async fn stop(&self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait().await
    }

    async fn wait(&self) -> anyhow::Result<ExitStatus> {
        let mut ended = self.ended.clone();
        let end = ended.wait_for(Option::is_some);
        match tokio::time::timeout(ENDS_WITHIN, end).await {
            Ok(Ok(status)) => Ok(status.unwrap_or_default()),
            Ok(Err(_)) | Err(_) => bail!("{} did not end within {ENDS_WITHIN:?}", self.name),
        }
    }

    /// The JSON of its address file, once it has written it; its last words if it died instead.
    pub async fn addresses(&self, file: &Path) -> anyhow::Result<Value> {
        let what = format!("{} listening", self.name);
        let text = wait::until(&what, LISTENS_WITHIN, || {
            let step = match self.ended() {
                Some(status) => Err(anyhow::anyhow!(
                    "it died ({status}):\n{}",
                    self.last_words()
                )),
                None => Ok(std::fs::read_to_string(file).ok()),
            };
            async move { step }
        });
        let text = text.await.with_context(|| self.last_words())?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn signal(&self, signal: Signal) {
        // The id of a process that ended may be another's.
        if self.ended().is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = command(Path::new("/bin/sh"));
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_process_that_dies_before_it_listens_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = Process::start("sh", &shell("echo out of luck >&2; exit 7"), &log).unwrap();
        let error = process
            .addresses(&folder.path().join("never"))
            .await
            .unwrap_err();
        assert!(format!("{error:#}").contains("out of luck"), "{error:#}");
        assert_eq!(process.ended().unwrap().code(), Some(7));
    }

    #[tokio::test]
    async fn a_killed_process_is_gone_when_the_kill_returns_and_a_frozen_one_can_be_killed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = Process::start("sh", &shell("sleep 60"), &log).unwrap();
        process.pause();
        process.kill().await.unwrap();
        assert!(process.ended().is_some());
    }
}
