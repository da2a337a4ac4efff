//! `dev-broker` in two processes: one that asks our hook, as the shipped file for EMQX says, and one
//! that lets everybody in. Both have the same certificates and listen on 127.0.0.1 only.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use chaos::pki::Pki;
use rustls::pki_types::ServerName;
use tempfile::TempDir;

use super::client::Target;
use super::comparison::{Authentication, Broker};
use super::generator::Clocks;
use crate::cpu::Clock;
use crate::programs::{self, Running};
use crate::servers;

/// Behind the shipped file: the devices' listener has a chain of its own with nobody in it.
const NO_AUTHENTICATION: &str = "\nlisteners.ssl.default.authentication = []\n";

/// The EMQX file for a way to authenticate.
pub(super) fn configuration(way: Authentication) -> String {
    let mut text = emqx_config::EMQX_5_8.to_owned();
    if way == Authentication::Nobody {
        text.push_str(NO_AUTHENTICATION);
    }
    text
}

/// The two processes.
#[derive(Debug)]
pub(super) struct DevBrokers {
    nobody: Process,
    hook: Process,
    hook_clock: Clock,
}

#[derive(Debug)]
struct Process {
    running: Running,
    devices: SocketAddr,
    /// Removed with this value.
    _folder: TempDir,
}

impl DevBrokers {
    /// Starts both and waits until they listen.
    pub(super) fn start(
        program: &Path,
        pki: &Pki,
        hook: SocketAddr,
        hook_clock: Clock,
    ) -> anyhow::Result<Self> {
        let start = |way| Process::start(program, pki, hook, way);
        Ok(Self {
            nobody: start(Authentication::Nobody)?,
            hook: start(Authentication::Hook)?,
            hook_clock,
        })
    }

    /// CPU seconds of both so far.
    pub(super) fn seconds(&self) -> f64 {
        let seconds = |process: &Process| process.running.clock().seconds();
        seconds(&self.nobody) + seconds(&self.hook)
    }
}

impl Process {
    fn start(
        program: &Path,
        pki: &Pki,
        hook: SocketAddr,
        way: Authentication,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for a broker")?;
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("emqx.conf"), configuration(way))?;
        std::fs::write(file("api-key"), "benches:not-asked-by-anybody\n")?;
        let mut command = Command::new(program);
        command
            .arg("--conf")
            .arg(file("emqx.conf"))
            .arg("--certs")
            .arg(pki.folder())
            .arg("--api-key-file")
            .arg(file("api-key"))
            .arg("--address-file")
            .arg(file("addresses.json"))
            .args(["--hook-url", &format!("http://{hook}"), "--log", "warn"]);
        let mut running = Running::start(&mut command, "dev-broker")?;
        let announced = programs::wait_for_file(&file("addresses.json"), &mut running)?;
        Ok(Self {
            devices: servers::address(&announced, "devices")?,
            running,
            _folder: folder,
        })
    }
}

impl Broker for DevBrokers {
    fn ways(&self) -> &'static [Authentication] {
        &[Authentication::Nobody, Authentication::Hook]
    }

    fn prepare(&mut self, way: Authentication) -> anyhow::Result<(Target, Clocks)> {
        let process = match way {
            Authentication::Nobody => &self.nobody,
            Authentication::Hook | Authentication::BuiltIn => &self.hook,
        };
        let target = Target {
            address: process.devices,
            name: ServerName::try_from("localhost").expect("a DNS name"),
            authenticates: way != Authentication::Nobody,
        };
        let clocks = Clocks {
            broker: Some(process.running.clock()),
            hook: Some(self.hook_clock.clone()),
        };
        Ok((target, clocks))
    }
}
