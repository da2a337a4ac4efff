//! One replica of hook-service, with its own line to the database.

use std::net::SocketAddr;

use fault_proxy::Proxy;

use super::{
    HOOK_PASSWORD, HOOK_SECRET, Options, Places, READY_WITHIN, STALENESS_MS, address, ready,
};
use crate::process::{Process, command};

/// A replica.
#[derive(Debug)]
pub struct Replica {
    /// What its lease is called.
    pub name: String,
    /// The process.
    pub process: Process,
    /// Where the broker asks it.
    pub hooks: SocketAddr,
    /// Health and metrics.
    pub ops: SocketAddr,
    /// Its line to the database.
    pub database: Proxy,
    generation: u32,
}

impl Replica {
    pub(super) async fn start(
        places: &Places,
        options: &Options,
        number: usize,
        database: Proxy,
    ) -> anyhow::Result<Self> {
        let name = format!("hook-{number}");
        let kernel = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = run(places, options, &name, 0, kernel, database.address()).await?;
        Ok(Self {
            name,
            process: running.process,
            hooks: running.hooks,
            ops: running.ops,
            database,
            generation: 0,
        })
    }

    /// A new process after the old one ended, on a port of its own.
    pub(super) async fn start_again(
        &mut self,
        places: &Places,
        options: &Options,
    ) -> anyhow::Result<()> {
        let kernel = SocketAddr::from(([127, 0, 0, 1], 0));
        self.next(places, options, kernel).await.map(drop)
    }

    /// A new process on the same address; then the old one is asked to end, and is waited for.
    pub(super) async fn replace(
        &mut self,
        places: &Places,
        options: &Options,
    ) -> anyhow::Result<()> {
        let old = self.next(places, options, self.hooks).await?;
        let status = old.stop().await?;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }

    async fn next(
        &mut self,
        places: &Places,
        options: &Options,
        listen: SocketAddr,
    ) -> anyhow::Result<Process> {
        self.generation += 1;
        let database = self.database.address();
        let (name, generation) = (&self.name, self.generation);
        let running = run(places, options, name, generation, listen, database).await?;
        self.hooks = running.hooks;
        self.ops = running.ops;
        Ok(std::mem::replace(&mut self.process, running.process))
    }
}

struct Running {
    process: Process,
    hooks: SocketAddr,
    ops: SocketAddr,
}

async fn run(
    places: &Places,
    options: &Options,
    name: &str,
    generation: u32,
    listen: SocketAddr,
    database: SocketAddr,
) -> anyhow::Result<Running> {
    let file = places.address_file(&format!("{name}.{generation}"));
    let mut hooks = command(&places.programs.path("hook-service"));
    hooks
        .env("HOOK_LISTEN", listen.to_string())
        .env("HOOK_OPS_LISTEN", "127.0.0.1:0")
        .env("HOOK_REUSE_PORT", "true")
        .env(
            "HOOK_DATABASE_URL",
            format!("postgres://hook@{database}/postgres"),
        )
        .env("HOOK_DATABASE_PASSWORD_FILE", places.file(HOOK_PASSWORD))
        .env("HOOK_SHARED_SECRET_FILE", places.file(HOOK_SECRET))
        .env("HOOK_DEVICE_IDENTITY", "cert_pem")
        .env("HOOK_REPLICA_NAME", name)
        .env("HOOK_STALENESS_MS", STALENESS_MS.to_string())
        .env("HOOK_COMPARE_MS", options.compare_ms.to_string())
        // Two cores run everything here, the load too: shedding would measure that.
        .env("HOOK_SHED_LATE_MS", "1000")
        .env("HOOK_LOG", &options.log)
        .env("HOOK_ADDRESS_FILE", &file);
    let process = Process::start(name, &hooks, &places.log(name))?;
    let addresses = process.addresses(&file).await?;
    let ops = address(&addresses, "ops")?;
    ready(name, ops, READY_WITHIN).await?;
    Ok(Running {
        hooks: address(&addresses, "hooks")?,
        ops,
        process,
    })
}
