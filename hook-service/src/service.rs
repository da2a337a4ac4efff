//! The parts put together: listeners, feed, and the order in which they start and stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use service_kit::address_file;
use service_kit::ops::Ops;
use service_kit::shutdown::Shutdown;
use tokens::{Limits, Verifier};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, TokenSettings};
use crate::decide::Tokens;
use crate::endpoints::Hooks;
use crate::feed::{self, FeedError, FeedSignals};
use crate::fleet::{self, Reader, Standing};
use crate::listener::{self, Listener, TlsFiles, TlsFilesError};
use crate::metrics::Metrics;
use crate::overload::Overload;
use crate::threads::{Thread, Threads};

/// A running service.
#[derive(Debug)]
pub struct Service {
    /// Where it listens.
    pub addresses: Addresses,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// The table it answers from.
    pub fleet: Reader,
    hooks: JoinHandle<()>,
    feed: JoinHandle<Result<(), FeedError>>,
    stop_feed: CancellationToken,
    shutdown: Shutdown,
    drain_max: std::time::Duration,
}

/// Where a service listens.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Addresses {
    /// The hooks.
    pub hooks: SocketAddr,
    /// Health and metrics.
    pub ops: SocketAddr,
}

/// Why a service could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// An address cannot be bound.
    #[error("{setting}={address} cannot be bound: {reason}")]
    Bind {
        /// The setting that names the address.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The address file cannot be written.
    #[error("HOOK_ADDRESS_FILE cannot be written: {0}")]
    AddressFile(std::io::Error),
    /// The system gives no more threads.
    #[error("HOOK_THREADS threads cannot be started: {0}")]
    Threads(std::io::Error),
    /// The client that fetches the keys of issuers cannot be made.
    #[error("the keys of HOOK_TOKEN_ISSUERS cannot be fetched: {0}")]
    Tokens(Box<dyn std::error::Error + Send + Sync>),
    /// The TLS files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFilesError),
    /// The feed cannot follow this database.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

impl ServiceError {
    /// Whether a setting, a file it names, or the schema is wrong.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Tls(_)
            | Self::Tokens(_)
            | Self::AddressFile(_)
            | Self::Bind { .. }
            | Self::Threads(_) => true,
            Self::Feed(error) => error.is_fatal(),
        }
    }
}

impl Service {
    /// Starts the feed, binds both listeners and serves. Until the feed is live every hook answers
    /// deny.
    ///
    /// With [`Config::reuse_port`] nothing is bound before the feed is live: from the first moment
    /// the kernel gives this process its share of the connections, beside the one it replaces.
    pub async fn start(config: Config, shutdown: Shutdown) -> Result<Self, ServiceError> {
        let tls = config.tls.as_ref().map(TlsFiles::load).transpose()?;
        let tokens = verifier(config.tokens)?;
        let metrics = Arc::new(Metrics::new());
        let (writer, reader) = fleet::pair(Instant::now());
        let signals = FeedSignals::default();
        let stop_on_error = signals.stop.clone().drop_guard();
        let mut feed = {
            let (metrics, signals) = (Arc::clone(&metrics), signals.clone());
            let (database, settings) = (config.database, config.feed);
            tokio::spawn(async move {
                feed::run(&database, &settings, writer, &metrics, &signals).await
            })
        };
        if config.reuse_port {
            tokio::select! {
                () = signals.live.cancelled() => {}
                () = shutdown.soft.cancelled() => {}
                ended = &mut feed => ended.unwrap_or(Err(FeedError::Broken))?,
            }
        }

        let listener = Listener::bind(config.listen, config.reuse_port)
            .map_err(bind_error("HOOK_LISTEN", config.listen))?
            .with_tls(tls);
        let ops_listener = listener::bind(config.ops_listen, config.reuse_port)
            .map_err(bind_error("HOOK_OPS_LISTEN", config.ops_listen))?;
        let addresses = Addresses {
            hooks: listener
                .address()
                .map_err(bind_error("HOOK_LISTEN", config.listen))?,
            ops: ops_listener
                .local_addr()
                .map_err(bind_error("HOOK_OPS_LISTEN", config.ops_listen))?,
        };
        let threads = Threads::start(config.threads).map_err(ServiceError::Threads)?;
        serve_ops(ops_listener, ops(&metrics, &reader), shutdown.hard.clone());
        let hooks = {
            let (fleet, metrics) = (reader.clone(), Arc::clone(&metrics));
            let (policy, secret, late_max) = (config.policy, config.secret, config.late_max);
            let tokens = tokens.map(|verifier| Arc::new(verifier) as Arc<dyn Tokens>);
            let hooks = move |_: &Thread| Hooks {
                fleet: fleet.clone(),
                policy: policy.clone(),
                secret: secret.clone(),
                tokens: tokens.clone(),
                metrics: Arc::clone(&metrics),
                overload: Overload::watched(late_max),
                unix_now,
            };
            tokio::spawn(listener.serve(Arc::new(threads), hooks, shutdown.clone()))
        };
        if let Some(path) = &config.address_file {
            address_file::write(path, &addresses).map_err(ServiceError::AddressFile)?;
        }
        stop_on_error.disarm();
        Ok(Self {
            addresses,
            metrics,
            fleet: reader,
            hooks,
            feed,
            stop_feed: signals.stop,
            shutdown,
            drain_max: config.drain_max,
        })
    }

    /// Waits for the end: asked for, or because the feed cannot follow this database.
    ///
    /// The lease is given back only after the last connection is closed: as long as an answer may
    /// still leave, whoever waits for a change must wait for this process too.
    pub async fn run(mut self) -> Result<(), ServiceError> {
        tokio::select! {
            () = self.shutdown.soft.cancelled() => {}
            ended = &mut self.feed => {
                self.shutdown.soft.cancel();
                self.shutdown.hard.cancel();
                return Ok(ended.unwrap_or(Err(FeedError::Broken))?);
            }
        }
        let drained = tokio::time::timeout(self.drain_max, &mut self.hooks).await;
        if drained.is_err() {
            tracing::warn!(drain_max = ?self.drain_max, "not every connection ended in time");
        }
        self.shutdown.hard.cancel();
        if drained.is_err() {
            let _ = self.hooks.await;
        }
        self.stop_feed.cancel();
        Ok(self.feed.await.unwrap_or(Err(FeedError::Broken))?)
    }
}

/// What checks people's tokens, if anybody's count. Begins to fetch the keys.
fn verifier(settings: TokenSettings) -> Result<Option<Verifier>, ServiceError> {
    if settings.issuers.is_empty() {
        tracing::info!("HOOK_TOKEN_ISSUERS is not set: no person is let in");
        return Ok(None);
    }
    // The client that fetches keys takes the process's provider; ring is the only one linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let verifier = Verifier::new(settings.issuers, &settings.audience, Limits::default())
        .map_err(|error| ServiceError::Tokens(error.into()))?;
    verifier.warm();
    Ok(Some(verifier))
}

fn serve_ops(listener: TcpListener, ops: Ops, stop: CancellationToken) {
    tokio::spawn(async move {
        let served = axum::serve(listener, ops.router());
        let stopped = async move { stop.cancelled().await };
        if let Err(error) = served.with_graceful_shutdown(stopped).await {
            tracing::error!(%error, "the operators' listener ended");
        }
    });
}

fn ops(metrics: &Arc<Metrics>, reader: &Reader) -> Ops {
    let (gathered, seen, asked) = (Arc::clone(metrics), reader.clone(), reader.clone());
    Ops {
        registry: metrics.registry.clone(),
        readiness: Arc::new(move || match asked.standing(Instant::now()) {
            Standing::Fresh => Ok(()),
            Standing::NotReady => Err("the fleet is not loaded yet".to_owned()),
            Standing::Stale => Err("no news from the database for too long".to_owned()),
        }),
        before_gather: Arc::new(move || {
            let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
            let table = seen.table();
            gathered.devices.set(gauge(table.len()));
            gathered.certificates.set(gauge(table.certificates()));
            gathered.table_bytes.set(gauge(table.heap_bytes()));
            gathered
                .service_clients
                .set(gauge(seen.service_client_count()));
            gathered.accounts.set(gauge(seen.people().len()));
            let fresh_for = seen.fresh_for(Instant::now()).as_millis();
            gathered
                .fresh_for_ms
                .set(i64::try_from(fresh_for).unwrap_or(i64::MAX));
        }),
    }
}

fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn bind_error(
    setting: &'static str,
    address: SocketAddr,
) -> impl Fn(std::io::Error) -> ServiceError {
    move |reason| ServiceError::Bind {
        setting,
        address,
        reason,
    }
}
