//! `api-service serve`: binds, serves, works, and ends in an orderly way.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use service_kit::ops::Ops;
use service_kit::shutdown::Shutdown;
use service_kit::{Exit, address_file};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::api::{Api, Parts};
use crate::bindings;
use crate::broker::Cluster;
use crate::bulk;
use crate::commands::manufacture_devices;
use crate::config::{Config, RetentionConfig};
use crate::crl::points::Points;
use crate::crl::{Lists, keeper};
use crate::edge::cors::Origin;
use crate::edge::refused::Refused;
use crate::edge::{cors, listener};
use crate::expiry;
use crate::fence::Fence;
use crate::guesses::Guesses;
use crate::health::{self, Seen};
use crate::metrics::Metrics;
use crate::outbox::progress::Progress;
use crate::outbox::tools::Tools;
use crate::outbox::{ending, worker};
use crate::pki::Pki;
use crate::problem::chain;
use crate::rates::Rates;
use crate::replicas::{self, Replicas};
use crate::retention;
use crate::routes::{lists_router, router};
use crate::sealer;
use crate::store::Store;
use crate::traces::Traces;

/// Running requests and outbox steps get this long to end after the first signal.
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// Where the service listens, as the address file tells it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Addresses {
    /// The API.
    pub api: SocketAddr,
    /// `/livez`, `/readyz`, `/metrics`.
    pub ops: SocketAddr,
    /// The revocation lists, if they have a listener of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<SocketAddr>,
}

/// A bound service that does not serve yet.
pub struct Service {
    api: Api,
    clusters: Vec<Cluster>,
    origins: Vec<Origin>,
    retention: RetentionConfig,
    settle: Duration,
    seen: Seen,
    listener: TcpListener,
    ops_listener: TcpListener,
    crl_listener: Option<TcpListener>,
    addresses: Addresses,
}

/// Why the service ended before it was asked to.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub exit: Exit,
    /// One sentence with the mend.
    pub reason: String,
}

impl Ended {
    fn config(reason: impl Display) -> Self {
        Self {
            exit: Exit::Config,
            reason: format!("{reason}"),
        }
    }

    fn failed(reason: impl Display) -> Self {
        Self {
            exit: Exit::Failed,
            reason: format!("{reason}"),
        }
    }
}

impl Service {
    /// Reads keys and certificates, binds both listeners, and writes the address file.
    pub async fn bind(config: Config) -> Result<Self, Ended> {
        // reqwest takes the process's provider; ring is the only one linked.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pki = Pki::load(&config.pki).map_err(Ended::config)?;
        let store = Store::new(config.database)
            .map_err(|error| Ended::config(format!("API_DATABASE_CA_FILE {error}")))?;
        let issuers = config.token_issuers;
        let audience = &config.token_audience;
        let verifier = tokens::Verifier::new(issuers, audience, tokens::Limits::default())
            .map_err(|error| Ended::failed(chain(&error)))?;
        let metrics = Metrics::new();
        let clusters = config.brokers.into_iter();
        let clusters = clusters.map(|broker| Cluster::new(broker, metrics.clone()));
        let clusters: Result<Vec<_>, _> = clusters.collect();
        let clusters = clusters.map_err(|error| Ended::failed(chain(&error)))?;
        let listener = bind("API_LISTEN", config.listen).await?;
        let ops_listener = bind("API_OPS_LISTEN", config.ops_listen).await?;
        let crl_listener = match config.crl.listen {
            Some(address) => Some(bind("API_CRL_LISTEN", address).await?),
            None => None,
        };
        let crl = crl_listener.as_ref().map(TcpListener::local_addr);
        let addresses = Addresses {
            api: listener.local_addr().map_err(Ended::failed)?,
            ops: ops_listener.local_addr().map_err(Ended::failed)?,
            crl: crl.transpose().map_err(Ended::failed)?,
        };
        if let Some(path) = &config.address_file {
            address_file::write(path, &addresses).map_err(|error| {
                Ended::config(format!("API_ADDRESS_FILE={}: {error}", path.display()))
            })?;
        }
        expiry::tell_authorities(&metrics, &pki.authorities);
        let points = Points::new(pki.signer.issuer(), config.crl.base, config.crl.shards);
        let api = Api::from(Parts {
            fence: Fence::new(store.clone(), metrics.clone()),
            accounts: Accounts::new(store.clone()),
            proxies: config.callers.proxies,
            store,
            verifier,
            signer: pki.signer,
            server_chain: pki.server_chain,
            device_chain: pki.device_chain,
            lists: Lists::new(points, config.crl.valid),
            metrics,
            clock: SystemTime::now,
            in_flight: Parts::in_flight(),
            outbox_wake: Arc::default(),
            progress: Progress::default(),
            guesses: Guesses::default(),
            rates: Rates::new(config.callers.per_account, config.callers.per_address),
            refused: Refused::default(),
            traces: Traces::new(config.traces).map_err(|error| Ended::failed(chain(&error)))?,
            bulk_slots: Arc::new(Semaphore::new(manufacture_devices::CALLS_MAX)),
            bulk_wake: Arc::default(),
            replicas: Replicas::default(),
        });
        let settle = ending::SETTLE;
        let seen = Seen::nothing();
        Ok(Self {
            api,
            clusters,
            origins: config.callers.origins,
            retention: config.retention,
            settle,
            seen,
            listener,
            ops_listener,
            crl_listener,
            addresses,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Shortens how long kicks are repeated, for tests against a broker that has no late connects.
    #[must_use]
    pub fn with_settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Serves until told to stop.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), Ended> {
        let Addresses {
            api: listen,
            ops,
            crl,
        } = self.addresses;
        tracing::info!(%listen, %ops, crl = crl.map(tracing::field::display), "serving");
        self.api.verifier.warm();
        let stop = shutdown.soft.child_token();
        let ops_task = tokio::spawn(serve_ops(self.ops(), self.ops_listener, stop.clone()));
        let tools = Tools::new(self.api.clone(), self.clusters, self.settle);
        let worker = tokio::spawn(worker::run(tools, stop.clone()));
        let keeper = tokio::spawn(keeper::run(self.api.clone(), stop.clone()));
        let expiry = tokio::spawn(expiry::watch(self.api.clone(), stop.clone()));
        let lists = self.crl_listener.map(|listener| {
            let served = listener::serve(listener, lists_router(&self.api), stop.clone());
            tokio::spawn(served)
        });
        let sealer = tokio::spawn(sealer::run(self.api.clone(), stop.clone()));
        let chunks = tokio::spawn(bulk::run(self.api.clone(), stop.clone()));
        let claims = tokio::spawn(bindings::run(self.api.clone(), stop.clone()));
        let forgets = retention::run(self.api.clone(), self.retention, stop.clone());
        let forgets = tokio::spawn(forgets);
        let looks = tokio::spawn(replicas::watch(self.api.clone(), stop.clone()));
        let mut routes = router(&self.api);
        if !self.origins.is_empty() {
            // Outside of everything: a refusal of ours must be readable to a listed page too.
            routes = routes.layer(cors::layer(&self.origins));
        }
        let server = tokio::spawn(listener::serve(self.listener, routes, stop.clone()));

        let watch = health::watch(self.api.clone(), self.seen, stop.clone());
        let ended = watch.await.map_err(Ended::config);

        stop.cancel();
        tracing::info!("stopping: running requests may end");
        let drain = async {
            let _ = server.await;
            let _ = worker.await;
            let _ = keeper.await;
            let _ = expiry.await;
            if let Some(lists) = lists {
                let _ = lists.await;
            }
            let _ = sealer.await;
            let _ = chunks.await;
            let _ = claims.await;
            let _ = forgets.await;
            let _ = looks.await;
            let _ = ops_task.await;
        };
        tokio::select! {
            () = drain => {}
            () = shutdown.hard.cancelled() => tracing::warn!("told to stop at once"),
            () = tokio::time::sleep(DRAIN_MAX) => tracing::warn!("some requests did not end"),
        }
        if !shutdown.hard.is_cancelled() {
            self.api.traces.stop().await;
        }
        self.api.store.close();
        ended
    }

    fn ops(&self) -> Ops {
        let (seen, verifier) = (self.seen.clone(), self.api.verifier.clone());
        let api = self.api.clone();
        Ops {
            registry: self.api.metrics.registry.clone(),
            readiness: Arc::new(move || {
                seen.get()?;
                verifier.ready()
            }),
            before_gather: Arc::new(move || {
                let in_use = i64::try_from(api.store.in_use()).unwrap_or(i64::MAX);
                api.metrics.database_in_use.set(in_use);
            }),
        }
    }
}

async fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener, Ended> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Ended::config(format!("{setting}={address}: {error}")))
}

async fn serve_ops(ops: Ops, listener: TcpListener, stop: CancellationToken) {
    let ended = axum::serve(listener, ops.router())
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = ended {
        tracing::error!(%error, "the operators' listener ended");
    }
}
