//! A server in a process of its own: this very program, with another command.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cpu::{self, Clock};

/// What hook-service's image sets in its environment.
pub(crate) const HUGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// A running server process; ends with this value, and also when this process is killed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// What it said about where it listens.
    pub(crate) announced: Value,
}

impl Server {
    /// Starts this program with `arguments` and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        Self::start_of(&program, arguments)
    }

    /// The same of another build of this program.
    pub(crate) fn start_of(program: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .arg("--tied")
            .env(HUGE_PAGES.0, HUGE_PAGES.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", arguments[0]))?;
        let stdout = child
            .stdout
            .take()
            .context("standard output was just asked for")?;
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .with_context(|| format!("listening to {}", arguments[0]))?;
        let mut server = Self {
            child,
            announced: Value::Null,
        };
        let Ok(announced) = serde_json::from_str(&line) else {
            // Dropping the value ends the process, if it has not ended itself.
            bail!("{} did not start; its reason stands above", arguments[0]);
        };
        server.announced = announced;
        Ok(server)
    }

    /// The clock of its CPU time.
    pub(crate) fn clock(&self) -> Clock {
        Clock::of(vec![self.child.id()])
    }

    /// Resident memory of the process, bytes; 0 when it is gone.
    pub(crate) fn resident_bytes(&self) -> u64 {
        cpu::resident_bytes(self.child.id()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends this process when its standard input ends, that is when the parent is gone.
pub(crate) fn tie_to_parent() {
    std::thread::spawn(|| {
        let mut line = String::new();
        while std::io::stdin()
            .read_line(&mut line)
            .is_ok_and(|read| read > 0)
        {
            line.clear();
        }
        std::process::exit(0);
    });
}

#[cfg(test)]
mod tests {
    use super::HUGE_PAGES;

    #[test]
    fn servers_get_the_memory_that_the_image_gives_them() {
        let image = include_str!("../../../docker/Dockerfile");
        let (name, value) = HUGE_PAGES;
        assert!(image.contains(&format!("{name}={value}")));
    }
}
