//! One running server process and the thread that owns it.
//!
//! The thread matters: Linux sends the parent-death signal when the *thread* that started a child
//! ends, so the server is started by a thread that lives exactly as long as the server does. When
//! this process is killed, all its threads end and the server shuts down.

use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::error::Error;
use crate::folder::{Folder, RunningServer};
use crate::processes;

/// Bound of one start; recovery after a crash of a development cluster takes well below it.
const START_BOUND: Duration = Duration::from_mins(1);
/// Bound of one stop; after it the process is killed.
const STOP_BOUND: Duration = Duration::from_secs(20);
/// How often the server's pid file is looked at while it starts.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A started process: the postmaster itself, or the supervisor in front of a shared one.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pid: Pid,
    exited: Receiver<std::io::Result<ExitStatus>>,
    ended: Option<String>,
}

impl Postmaster {
    /// Starts the process in a thread of its own.
    pub(crate) fn start(mut command: Command, folder: &Folder) -> Result<Self, Error> {
        let (started_tx, started) = sync_channel(1);
        let (exited_tx, exited) = sync_channel(1);
        let keeper = move || match command.spawn() {
            Ok(mut child) => {
                // The receivers only disappear together with this process.
                let _ = started_tx.send(Ok(child.id()));
                let _ = exited_tx.send(child.wait());
            }
            Err(error) => {
                let _ = started_tx.send(Err(error));
            }
        };
        let spawned = std::thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(keeper);
        spawned.map_err(Error::io("cannot start a thread for", folder.path()))?;
        let id = started
            .recv()
            .unwrap_or_else(|_| Err(std::io::Error::other("the starting thread ended")))
            .map_err(Error::io("cannot start a server on", folder.path()))?;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        Ok(Self {
            pid: pid.expect("the kernel's process ids are positive i32"),
            exited,
            ended: None,
        })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until the server of `folder` accepts connections.
    pub(crate) fn wait_until_ready(&mut self, folder: &Folder) -> Result<RunningServer, Error> {
        let give_up = Instant::now() + START_BOUND;
        while Instant::now() < give_up {
            if let Some(status) = self.wait_for_exit(LOOK_EVERY) {
                return Err(Error::EndedAtStart {
                    status,
                    log: folder.log(),
                    tail: folder.log_tail(),
                });
            }
            if let Some(server) = folder.running().filter(|server| server.ready) {
                return Ok(server);
            }
        }
        Err(Error::NotReady {
            seconds: START_BOUND.as_secs(),
            log: folder.log(),
        })
    }

    /// Sends the signal and waits for the end; kills the process when it takes too long.
    pub(crate) fn stop(&mut self, signal: Signal) {
        if self.wait_for_exit(Duration::ZERO).is_some() {
            return;
        }
        processes::signal(self.pid, signal);
        // A stopped process takes a signal only when it continues.
        processes::signal(self.pid, Signal::CONT);
        if self.wait_for_exit(STOP_BOUND).is_none() {
            processes::signal(self.pid, Signal::KILL);
            self.wait_for_exit(STOP_BOUND);
        }
    }

    /// How the process ended, if it did within `bound`.
    pub(crate) fn wait_for_exit(&mut self, bound: Duration) -> Option<String> {
        if self.ended.is_none() {
            self.ended = match self.exited.recv_timeout(bound) {
                Ok(Ok(status)) => Some(status.to_string()),
                Ok(Err(error)) => Some(error.to_string()),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some("unknown".to_owned()),
            };
        }
        self.ended.clone()
    }
}
