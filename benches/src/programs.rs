//! A shipped program that runs beside us: started, waited for, ended.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cpu::Clock;

/// A program is ready within this time; a big fleet takes some seconds to load.
pub(crate) const START_TIME_MAX: Duration = Duration::from_secs(120);

/// A program that ends with this value.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it without a standard output of its own. `name` is for the error.
    pub(crate) fn start(command: &mut Command, name: &str) -> anyhow::Result<Self> {
        let child = command
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { child })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(ended) = self.child.try_wait()? {
            return Ok(ended);
        }
        // dev-postgres stops its server on this; a kill would leave it behind.
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
        self.child.wait()
    }

    /// The clock of its CPU time.
    pub(crate) fn clock(&self) -> Clock {
        Clock::of(vec![self.id()])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it is gone already.
        let _ = self.stop();
    }
}

/// Between two looks at something that is starting.
pub(crate) fn pause() {
    std::thread::park_timeout(Duration::from_millis(2));
}

/// Reads the address file that the program writes once it listens.
pub(crate) fn wait_for_file(file: &Path, program: &mut Running) -> anyhow::Result<Value> {
    let start = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return serde_json::from_str(&text).context("reading an address file");
        }
        if let Some(status) = program.child.try_wait()? {
            bail!("a program ended at once ({status}); its reason stands above");
        }
        if start.elapsed() > START_TIME_MAX {
            bail!("a program is not ready after {START_TIME_MAX:?}");
        }
        pause();
    }
}

/// Whether a service says on its operators' listener that it is ready.
pub(crate) fn is_ready(ops: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || -> std::io::Result<bool> {
        let mut stream = std::net::TcpStream::connect_timeout(&ops, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
