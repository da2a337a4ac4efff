//! `dev-broker` in three processes: one that asks our hook, as the shipped file for EMQX says, one that
//! asks the floor in the same way, and one that lets everybody in. All have the same certificates and
//! listen on 127.0.0.1 only.

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

/// The three processes.
#[derive(Debug)]
pub(super) struct DevBrokers {
    nobody: Process,
    hook: Process,
    floor: Process,
    hook_clock: Clock,
    floor_clock: Clock,
}

#[derive(Debug)]
struct Process {
    running: Running,
    devices: SocketAddr,
    /// Removed with this value.
    _folder: TempDir,
}

impl DevBrokers {
    /// Starts all and waits until they listen.
    pub(super) fn start(
        program: &Path,
        pki: &Pki,
        (hook, hook_clock): (SocketAddr, Clock),
        (floor, floor_clock): (SocketAddr, Clock),
    ) -> anyhow::Result<Self> {
        let start = |asked, way| Process::start(program, pki, asked, way);
        Ok(Self {
            nobody: start(hook, Authentication::Nobody)?,
            hook: start(hook, Authentication::Hook)?,
            floor: start(floor, Authentication::Floor)?,
            hook_clock,
            floor_clock,
        })
    }

    /// CPU seconds of all brokers so far.
    pub(super) fn seconds(&self) -> f64 {
        let all = [&self.nobody, &self.hook, &self.floor];
        all.iter().map(|each| each.running.clock().seconds()).sum()
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
        &[
            Authentication::Nobody,
            Authentication::Hook,
            Authentication::Floor,
        ]
    }

    fn prepare(&mut self, way: Authentication) -> anyhow::Result<(Target, Clocks)> {
        let (process, asked) = match way {
            Authentication::Nobody => (&self.nobody, &self.hook_clock),
            Authentication::Floor => (&self.floor, &self.floor_clock),
            Authentication::Hook | Authentication::BuiltIn => (&self.hook, &self.hook_clock),
        };
        let target = Target {
            address: process.devices,
            name: ServerName::try_from("localhost").expect("a DNS name"),
            authenticates: !matches!(way, Authentication::Nobody | Authentication::Floor),
        };
        let clocks = Clocks {
            broker: Some(process.running.clock()),
            hook: Some(asked.clone()),
        };
        Ok((target, clocks))
    }
}
