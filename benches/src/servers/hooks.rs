//! The subject: hook-service's own listener, router and table, with a made-up fleet in memory.
//!
//! Everything that EMQX waits for is the shipped code; only the feed from PostgreSQL is left out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::Context;
use hook_service::decide::{IdentityMode, Policy, Tokens};
use hook_service::endpoints::Hooks;
use hook_service::fleet::{Reader, Writer, pair};
use hook_service::listener::{Listener, Shutdown, TlsFiles};
use hook_service::metrics::Metrics;
use hook_service::overload::Overload;
use hook_service::threads::{Thread, Threads};
use serde_json::json;

use super::denials;
use crate::fleet::Signed;
use crate::{affinity, cpu, fleet, machine, servers};

/// No run lasts longer than the lease that is given here.
pub(super) const LEASE: Duration = Duration::from_secs(7 * 86_400);

/// Shedding is left out of measurements unless it is asked for, by a bound that is never reached: a
/// shed deny could not be told from a wrong one. What it costs to look is measured.
pub(super) const LATE_MAX: Duration = Duration::from_secs(600);

/// The command of the process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Devices in the table
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) devices: u32,
    /// Where to listen; the ports are chosen by the system unless --port is given
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,
    /// The port for `cert_pem`; the one for `cn_and_password` is one higher, TLS two higher
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// Also speak TLS, with server.pem, server.key and ca.pem of this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) tls: Option<std::path::PathBuf>,
    /// Devices with certificates of a storm: a number and a fingerprint in each line
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) signed: Option<std::path::PathBuf>,
    /// Shed what has waited for longer, as hook-service does (`HOOK_SHED_LATE_MS`) [default: never]
    #[arg(long, value_name = "MS")]
    pub(crate) shed_late_ms: Option<u64>,
    /// Take one processor and leave the others alone
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpu: Option<usize>,
    /// End when standard input ends
    #[arg(long)]
    pub(crate) tied: bool,
}

/// Runs until it is killed, on threads as hook-service's.
pub(crate) fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.tied {
        super::child::tie_to_parent();
    }
    let signed = arguments.signed.as_deref().map(Signed::read).transpose()?;
    if let Some(cpu) = arguments.cpu {
        // Before the runtime: it starts a thread for each processor that it finds.
        affinity::pin_to(cpu)?;
    }
    let own = std::process::id();
    let resident_before = cpu::resident_bytes(own);
    let start = Instant::now();
    let table = fleet::table_with(arguments.devices, &signed.unwrap_or_default());
    let built = start.elapsed();
    let (heap, devices) = (table.heap_bytes(), table.len());
    let (mut writer, reader) = pair(Instant::now());
    writer.replace(table, hook_service::fleet::ServiceClients::default());
    writer.allow_until(Instant::now() + LEASE);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let at = |offset: u16| {
            let port = if arguments.port == 0 {
                0
            } else {
                arguments.port + offset
            };
            SocketAddr::new(arguments.listen, port)
        };
        let tls = arguments.tls.as_deref().map(super::tls::server_files);
        let late_max = arguments
            .shed_late_ms
            .map_or(LATE_MAX, Duration::from_millis);
        let threads = Arc::new(Threads::start(machine::cores()).context("starting threads")?);
        let overloads = watch(&threads, late_max);
        let metrics = Arc::new(Metrics::new());
        let start = |address, identity, tls: Option<&TlsFiles>| {
            start_counted(
                address, &reader, &threads, &overloads, identity, tls, &metrics,
            )
        };
        let cert_pem = start(at(0), IdentityMode::CertPem, None)?;
        let password = start(at(1), IdentityMode::CnAndPassword, None)?;
        let tls = tls
            .map(|files| start(at(2), IdentityMode::CertPem, Some(&files)))
            .transpose()?;
        let counts = SocketAddr::new(arguments.listen, 0);
        let counts = denials::serve(counts, Arc::clone(&metrics))?;
        servers::announce(&json!({
            "cert_pem": cert_pem, "cn_and_password": password, "tls": tls, "denials": counts,
            "devices": devices, "table_heap_bytes": heap,
            "built_in_s": built.as_secs_f64(),
            "resident_bytes_before": resident_before,
            "resident_bytes": cpu::resident_bytes(own),
        }))?;
        std::future::pending::<()>().await;
        drop::<Writer>(writer);
        Ok(())
    })
}

/// Watches for overload on each thread, once for all listeners, as hook-service does: what it costs
/// is CPU that every figure contains.
pub(super) fn watch(threads: &Threads, late_max: Duration) -> Arc<[Arc<Overload>]> {
    let on = |thread: &Thread| {
        let _on_it = thread.runtime.enter();
        Overload::watched(late_max)
    };
    threads.iter().map(on).collect()
}

/// Binds and serves one identity mode, and counts for nobody. Must be called within a runtime.
#[cfg(test)]
pub(crate) fn start_one(
    address: SocketAddr,
    fleet: &Reader,
    identity: IdentityMode,
    tls: Option<&TlsFiles>,
) -> anyhow::Result<SocketAddr> {
    let metrics = Arc::new(Metrics::new());
    let threads = Arc::new(Threads::start(machine::cores()).context("starting threads")?);
    let overloads = watch(&threads, LATE_MAX);
    start_counted(
        address, fleet, &threads, &overloads, identity, tls, &metrics,
    )
}

/// Binds and serves one identity mode.
fn start_counted(
    address: SocketAddr,
    fleet: &Reader,
    threads: &Arc<Threads>,
    overloads: &Arc<[Arc<Overload>]>,
    identity: IdentityMode,
    tls: Option<&TlsFiles>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<SocketAddr> {
    let (fleet, metrics) = (fleet.clone(), Arc::clone(metrics));
    let overloads = Arc::clone(overloads);
    let hooks = move |thread: &Thread| {
        let overload = Arc::clone(&overloads[thread.number]);
        hooks(&fleet, identity, None, &metrics, overload)
    };
    let tls = tls.map(TlsFiles::load).transpose()?;
    let listener = Listener::bind(address, false)
        .with_context(|| format!("binding {address}"))?
        .with_tls(tls);
    let bound = listener.address().context("asking for the bound address")?;
    tokio::spawn(listener.serve(Arc::clone(threads), hooks, Shutdown::default()));
    Ok(bound)
}

/// Hooks as this service ships them, for one thread.
pub(super) fn hooks(
    fleet: &Reader,
    identity: IdentityMode,
    tokens: Option<Arc<dyn Tokens>>,
    metrics: &Arc<Metrics>,
    overload: Arc<Overload>,
) -> Hooks {
    Hooks {
        fleet: fleet.clone(),
        policy: Policy {
            identity,
            session_ttl_s: 86_400,
            serve_known: false,
        },
        secret: None,
        tokens,
        metrics: Arc::clone(metrics),
        overload,
        unix_now,
    }
}

fn unix_now() -> i64 {
    let since = UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
