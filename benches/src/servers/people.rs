//! The server of `people`: the shipped stack with a made-up fleet, its people, and a real verifier.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hook_service::decide::{IdentityMode, Tokens};
use hook_service::fleet::{ServiceClients, Writer, pair};
use hook_service::listener::{Listener, Shutdown};
use hook_service::metrics::Metrics;
use hook_service::threads::{Thread, Threads};
use serde_json::json;
use tokens::{IssuerUrl, Limits, Verifier};

use super::hooks::{LATE_MAX, LEASE, hooks, watch};
use crate::people::World;
use crate::{cpu, machine, servers};

/// The issuer runs beside this process.
const KEYS_WITHIN: Duration = Duration::from_secs(10);

/// The command of the process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Devices in the table
    #[arg(long)]
    devices: u32,
    /// People in the table
    #[arg(long)]
    people: u32,
    /// Whose tokens count
    #[arg(long)]
    issuer: IssuerUrl,
    /// End when standard input ends
    #[arg(long)]
    tied: bool,
}

/// Runs until it is killed.
pub(crate) fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.tied {
        super::child::tie_to_parent();
    }
    let world = World::new(arguments.devices, arguments.people);
    let table = world.table();
    let (heap, devices) = (table.heap_bytes(), table.len());
    let (mut writer, reader) = pair(Instant::now());
    writer.replace(table, ServiceClients::default());
    let before = cpu::resident_bytes(std::process::id());
    writer.replace_people(world.people(arguments.issuer.as_str()));
    let after = cpu::resident_bytes(std::process::id());
    writer.allow_until(Instant::now() + LEASE);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let tokens = Arc::new(verifier(&arguments.issuer).await?) as Arc<dyn Tokens>;
        let threads = Arc::new(Threads::start(machine::cores()).context("starting threads")?);
        let overloads = watch(&threads, LATE_MAX);
        let metrics = Arc::new(Metrics::new());
        let each = move |thread: &Thread| {
            let overload = Arc::clone(&overloads[thread.number]);
            let tokens = Some(Arc::clone(&tokens));
            hooks(&reader, IdentityMode::CertPem, tokens, &metrics, overload)
        };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(any, false).context("binding a port")?;
        let http = listener.address().context("asking for the bound address")?;
        tokio::spawn(listener.serve(threads, each, Shutdown::default()));
        servers::announce(&json!({
            "http": http, "devices": devices, "table_heap_bytes": heap,
            "resident_bytes_before_people": before, "resident_bytes_with_people": after,
        }))?;
        std::future::pending::<()>().await;
        drop::<Writer>(writer);
        Ok(())
    })
}

/// A verifier that has the issuer's keys, with the limits that ship.
async fn verifier(issuer: &IssuerUrl) -> anyhow::Result<Verifier> {
    // The client that fetches keys takes the process's provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let limits = Limits::default();
    let verifier = Verifier::new([issuer.clone()], dev_issuer::AUDIENCE, limits)
        .context("making the client that fetches keys")?;
    verifier.warm();
    let start = Instant::now();
    while let Err(reason) = verifier.ready() {
        ensure!(start.elapsed() < KEYS_WITHIN, "{reason}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(verifier)
}
