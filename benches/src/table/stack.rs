//! A durable PostgreSQL with a migrated schema and a fleet in it, and hook-services beside it.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chaos::programs::Programs;

use crate::cpu;
use crate::database::Database;
use crate::fleet::{self, Template};
use crate::programs::{Running, START_TIME_MAX, is_ready, pause, wait_for_file};
use crate::servers::child::HUGE_PAGES;

/// What a stack runs.
pub(crate) const PROGRAMS: [&str; 3] = ["dev-postgres", "schema", "hook-service"];

/// The database and what is needed to start services on it.
#[derive(Debug)]
pub(crate) struct Stack {
    database: Database,
    /// As its owner.
    pub(super) url: String,
    hook_service: PathBuf,
    pub(super) devices: u32,
}

/// A hook-service that is ready.
#[derive(Debug)]
pub(crate) struct HookService {
    running: Running,
    pub(crate) hooks: SocketAddr,
    /// From its start to its being ready.
    pub(crate) ready_after: Duration,
}

impl HookService {
    /// Resident memory of the process.
    pub(super) fn resident_bytes(&self) -> u64 {
        cpu::resident_bytes(self.running.id()).unwrap_or_default()
    }

    /// Ends it as an operator does, and waits until it has answered what was in flight.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let ended = self.running.stop().context("stopping hook-service")?;
        anyhow::ensure!(ended.success(), "hook-service ended with {ended}");
        Ok(())
    }
}

impl Stack {
    pub(crate) fn start(programs: &Programs, devices: u32) -> anyhow::Result<Self> {
        let database = Database::start(programs, &["hook"])?;
        let stack = Self {
            url: database.url.clone(),
            hook_service: programs.path("hook-service"),
            database,
            devices,
        };
        stack.fill()?;
        Ok(stack)
    }

    /// psql with a command, ready to run.
    pub(super) fn psql(&self, sql: &str) -> Command {
        let mut psql = Command::new(self.database.program("psql"));
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.url,
            "-c",
            sql,
        ]);
        psql
    }

    /// Puts the fleet in, with the certificates' DER, by COPY and with the triggers on.
    fn fill(&self) -> anyhow::Result<()> {
        let mut template = Template::new();
        self.copy(
            "COPY device (device_id, lifecycle, model, public_key) FROM STDIN",
            |number, line| {
                let lifecycle = if fleet::is_active(number) {
                    "bound"
                } else {
                    "revoked"
                };
                write!(line, "{}\t{lifecycle}\tbench\t\\\\x", fleet::id(number))?;
                hex(line, &template.of(number)[..91])
            },
        )?;
        self.copy(
            "COPY certificate (fingerprint, device_id, serial, not_before, not_after, der) FROM STDIN",
            |number, line| {
                let der = template.of(number);
                line.push_str("\\\\x");
                hex(line, &fleet::fingerprint(der))?;
                write!(line, "\t{}\t\\\\x{number:032x}\t2026-01-01Z\t2100-01-01Z\t\\\\x", fleet::id(number))?;
                hex(line, der)
            },
        )?;
        let mut psql = self.psql("VACUUM ANALYZE");
        anyhow::ensure!(psql.status()?.success(), "VACUUM ANALYZE failed");
        Ok(())
    }

    fn copy(
        &self,
        sql: &str,
        mut row: impl FnMut(u32, &mut String) -> std::fmt::Result,
    ) -> anyhow::Result<()> {
        let mut child = self
            .psql(sql)
            .stdin(Stdio::piped())
            .spawn()
            .context("starting psql")?;
        let stdin = child
            .stdin
            .take()
            .context("standard input was just asked for")?;
        let mut out = BufWriter::with_capacity(1 << 20, stdin);
        let mut line = String::new();
        for number in 0..self.devices {
            line.clear();
            row(number, &mut line).context("writing to memory")?;
            line.push('\n');
            out.write_all(line.as_bytes()).context("writing to psql")?;
        }
        drop(out);
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "psql ended with {status}: {sql}");
        Ok(())
    }

    /// Starts a hook-service and waits until it is ready.
    pub(crate) fn hooks(&self, settings: &[(&str, &str)]) -> anyhow::Result<HookService> {
        let address_file = self.database.folder.path().join("hooks.json");
        let _ = std::fs::remove_file(&address_file);
        let start = Instant::now();
        let mut run = Command::new(&self.hook_service);
        run.env("HOOK_LISTEN", "127.0.0.1:0")
            .env("HOOK_OPS_LISTEN", "127.0.0.1:0")
            .env("HOOK_DATABASE_URL", self.database.url_of("hook"))
            .env("HOOK_DATABASE_PASSWORD_FILE", &self.database.password_file)
            .env("HOOK_ADDRESS_FILE", &address_file)
            .env("HOOK_LOG", "warn")
            .env(HUGE_PAGES.0, HUGE_PAGES.1)
            .envs(settings.iter().copied());
        let mut running = Running::start(&mut run, "hook-service")?;
        let announced = wait_for_file(&address_file, &mut running)?;
        let address = |key| crate::servers::address(&announced, key);
        let (hooks, ops) = (address("hooks")?, address("ops")?);
        while !is_ready(ops) {
            if start.elapsed() > START_TIME_MAX {
                bail!("hook-service is not ready after {START_TIME_MAX:?}");
            }
            pause();
        }
        Ok(HookService {
            running,
            hooks,
            ready_after: start.elapsed(),
        })
    }
}

fn hex(out: &mut String, bytes: &[u8]) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}
