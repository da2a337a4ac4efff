//! The servers of one run, started, and measured one cell at a time.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use super::cell::{Cell, Subject};
use super::{Arguments, Effort};
use crate::cpu::Clock;
use crate::fleet::{Kind, Requests};
use crate::load::{self, Arrival, Dial, Expect, Plan};
use crate::machine;
use crate::report::say;
use crate::servers::child::Server;
use crate::servers::nginx::{self, Nginx};
use crate::servers::{Constants, address, tls};

/// A round in which the generator was late says nothing; on a machine whose processors are others'
/// now and then, one in a few is.
const ATTEMPTS: usize = 3;

/// Everything that one size of fleet needs.
#[derive(Debug)]
pub(super) struct Bench {
    requests: [Requests; 3],
    hooks: Option<Server>,
    other_hooks: Option<Server>,
    target: Option<SocketAddr>,
    peers: Option<Peers>,
    dial_tls: Dial,
    connections: usize,
    open_connections: usize,
    threads: usize,
    /// Servers that could not be started, and why.
    pub(super) refused: Vec<(String, String)>,
    /// Removed with this value.
    tls_files: TempDir,
}

#[derive(Debug)]
struct Peers {
    nginx: Option<Nginx>,
    constant: Server,
    floor: Server,
    constants: Constants,
}

impl Bench {
    pub(super) fn start(arguments: &Arguments, devices: u32) -> anyhow::Result<Self> {
        let tls_files = tempfile::tempdir().context("making a folder for certificates")?;
        let kinds = [Kind::AuthnCertificate, Kind::AuthnPassword, Kind::Authz];
        let mut bench = Self {
            requests: kinds.map(|kind| Requests::new(kind, devices)),
            hooks: None,
            other_hooks: None,
            target: arguments.target,
            peers: None,
            dial_tls: Dial::default(),
            connections: arguments.connections,
            open_connections: arguments.open_connections,
            threads: arguments.threads(),
            refused: Vec::new(),
            tls_files,
        };
        if arguments.target.is_some() {
            return Ok(bench);
        }
        let folder = bench.tls_files.path();
        tls::make(folder)?;
        bench.dial_tls.tls = Some(tls::client(folder)?);
        let folder = folder
            .to_str()
            .context("the temporary folder's name is not UTF-8")?;
        let devices = devices.to_string();
        let serve = ["serve-hooks", "--devices", &devices, "--tls", folder];
        let hooks = Server::start(&serve)?;
        if let Some(program) = &arguments.beside {
            bench.other_hooks = Some(Server::start_of(program, &serve)?);
        }
        let constants = Constants {
            authn: load::fetch(address(&hooks.announced, "cert_pem")?, &bench.requests[0])?,
            authz: load::fetch(address(&hooks.announced, "cert_pem")?, &bench.requests[2])?,
        };
        let bodies = constants.to_argument();
        let nginx = Nginx::start(&constants, machine::cores());
        match &nginx {
            Ok(nginx) => say(&format!("nginx {}", nginx.version)),
            Err(error) => {
                let reason = format!("{error:#}");
                bench
                    .refused
                    .push(("everything beside nginx".to_owned(), reason));
            }
        }
        bench.peers = Some(Peers {
            nginx: nginx.ok(),
            constant: Server::start(&["serve-constant", "--bodies", &bodies])?,
            floor: Server::start(&["serve-floor", "--bodies", &bodies])?,
            constants,
        });
        bench.hooks = Some(hooks);
        Ok(bench)
    }

    /// Servers that do not run.
    pub(super) fn missing(&self) -> Vec<Subject> {
        let mut missing = Vec::new();
        if self.other_hooks.is_none() {
            missing.push(Subject::OtherHooks);
        }
        if self
            .peers
            .as_ref()
            .is_some_and(|peers| peers.nginx.is_none())
        {
            missing.push(Subject::Nginx);
        }
        missing
    }

    /// What the process of hook-service said of itself, and nginx's version.
    pub(super) fn announced(&self) -> Value {
        let mut announced = self
            .hooks
            .as_ref()
            .map_or(Value::Null, |hooks| hooks.announced.clone());
        let nginx = self.peers.as_ref().and_then(|peers| peers.nginx.as_ref());
        if let (Some(nginx), Some(fields)) = (nginx, announced.as_object_mut()) {
            fields.insert("nginx".to_owned(), nginx.version.clone().into());
        }
        announced
    }

    /// CPU seconds of this process and all servers so far.
    pub(super) fn own_seconds(&self) -> f64 {
        let mut clocks = vec![Clock::of_this_process()];
        clocks.extend(self.hooks.as_ref().map(Server::clock));
        clocks.extend(self.other_hooks.as_ref().map(Server::clock));
        if let Some(peers) = &self.peers {
            clocks.extend([peers.constant.clock(), peers.floor.clock()]);
            clocks.extend(peers.nginx.as_ref().map(Nginx::clock));
        }
        clocks.iter().map(Clock::seconds).sum()
    }

    /// Measures one round of a cell. A round in which the generator could not keep its own rate is
    /// repeated, at most twice, and then left out.
    pub(super) fn measure(
        &mut self,
        cell: &mut Cell,
        effort: &Effort,
        round: usize,
    ) -> anyhow::Result<()> {
        let (address, clock) = self.server(cell.subject, cell.kind)?;
        let requests = match cell.kind {
            Kind::AuthnCertificate => &self.requests[0],
            Kind::AuthnPassword => &self.requests[1],
            Kind::Authz => &self.requests[2],
            kind => anyhow::bail!("{} is no part of this scenario", kind.as_str()),
        };
        let expect = self.expect(cell.subject, cell.kind);
        let plain = Dial::default();
        let asked = Plan {
            address,
            dial: if cell.subject == Subject::HooksTls {
                self.dial_tls.clone()
            } else {
                plain
            },
            requests,
            expect: &expect,
            arrival: cell.arrival,
            connections: match cell.arrival {
                Arrival::Closed { .. } => self.connections,
                Arrival::Open { .. } => self.open_connections,
            },
            threads: self.threads,
            warm_up: effort.warm_up,
            measure: effort.measure,
            seed: round as u64 + 1,
        };
        let mut outcome = None;
        for _attempt in 0..ATTEMPTS {
            let tried = load::run(&asked, clock.as_ref()).with_context(|| cell.name())?;
            match load::judge(&asked, &tried, machine::cores()) {
                Ok(()) => {
                    outcome = Some(tried);
                    break;
                }
                // The no-op server is only reported: that it outruns the generator is no surprise.
                Err(refusal) if cell.subject == Subject::Floor => {
                    cell.refusal = Some(refusal.to_string());
                    outcome = Some(tried);
                    break;
                }
                Err(refusal) => cell.refusal = Some(refusal.to_string()),
            }
        }
        cell.samples.push(outcome);
        Ok(())
    }

    fn server(&self, subject: Subject, kind: Kind) -> anyhow::Result<(SocketAddr, Option<Clock>)> {
        if let Some(target) = self.target {
            return Ok((target, None));
        }
        let hooks = self
            .hooks
            .as_ref()
            .context("hook-service runs unless a target is given")?;
        let peers = self
            .peers
            .as_ref()
            .context("peers run unless a target is given")?;
        let (address, clock) = match (subject, kind) {
            (Subject::Hooks, Kind::AuthnPassword) => {
                (address(&hooks.announced, "cn_and_password")?, hooks.clock())
            }
            (Subject::Hooks, _) => (address(&hooks.announced, "cert_pem")?, hooks.clock()),
            (Subject::OtherHooks, kind) => {
                let other = self
                    .other_hooks
                    .as_ref()
                    .context("there is no other build")?;
                let mode = if kind == Kind::AuthnPassword {
                    "cn_and_password"
                } else {
                    "cert_pem"
                };
                (address(&other.announced, mode)?, other.clock())
            }
            (Subject::HooksTls, _) => (address(&hooks.announced, "tls")?, hooks.clock()),
            (Subject::Nginx, _) => {
                let nginx = peers.nginx.as_ref().context("nginx does not run")?;
                (nginx.address, nginx.clock())
            }
            (Subject::Constant, _) => (
                address(&peers.constant.announced, "http")?,
                peers.constant.clock(),
            ),
            (Subject::Floor, _) => (
                address(&peers.floor.announced, "http")?,
                peers.floor.clock(),
            ),
        };
        Ok((address, Some(clock)))
    }

    fn expect(&self, subject: Subject, kind: Kind) -> Expect {
        let Some(peers) = &self.peers else {
            return Expect::Decision;
        };
        let body = if kind == Kind::Authz {
            &peers.constants.authz
        } else {
            &peers.constants.authn
        };
        match subject {
            Subject::Hooks | Subject::OtherHooks | Subject::HooksTls => Expect::Decision,
            Subject::Nginx => Expect::Constant(nginx::constant_of(body)),
            Subject::Constant | Subject::Floor => Expect::Constant(body.clone()),
        }
    }
}
