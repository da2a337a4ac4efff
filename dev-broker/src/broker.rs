//! Puts the parts together and takes them down again.
//!
//! A broker has threads of its own: stopping it ends every session, timer and socket it made, even
//! those that rmqtt gives no handle to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::api;
use crate::authn::AuthnChain;
use crate::authz::Authorizer;
use crate::bans::Bans;
use crate::core::Core;
use crate::error::StartError;
use crate::from_conf::from_conf;
use crate::front::{self, Front};
use crate::hook::HookClient;
use crate::options::Options;
use crate::peers::Peers;
use crate::settings::{BrokerSettings, HttpSource, ListenerSettings, Transport};
use crate::template::Template;

/// DISCONNECT code of a stopping server.
const SERVER_SHUTTING_DOWN: u8 = 0x8B;
/// How long clients get to take their last packet.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A running broker. Dropping it ends it at once; [`DevBroker::stop`] says goodbye first.
#[derive(Debug)]
pub struct DevBroker {
    /// Bound addresses: one for each listener (`devices`, `services`, `people`, else the EMQX id)
    /// and `api`.
    pub addresses: BTreeMap<String, SocketAddr>,
    peers: Arc<Peers>,
    runtime: Option<Runtime>,
}

/// A listener that is bound but not served yet.
struct Bound {
    settings: ListenerSettings,
    socket: TcpListener,
    tls: Option<Arc<ServerConfig>>,
}

impl DevBroker {
    /// Starts a broker that obeys the EMQX file of `options`.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let mut settings = from_conf(&options.conf, options.hook_base_url.as_ref())?;
        set_headers(&mut settings, &options.hook_headers);
        Self::start_with(settings, options).await
    }

    /// Starts a broker with settings made by hand; `options.conf` is only what the management API
    /// tells of it.
    pub async fn start_with(
        settings: BrokerSettings,
        options: Options,
    ) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("dev-broker")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let peers = Arc::new(Peers::default());
        let starting = runtime.spawn(start_parts(settings, options, Arc::clone(&peers)));
        let mut broker = Self {
            addresses: BTreeMap::new(),
            peers,
            runtime: Some(runtime),
        };
        let started = starting
            .await
            .map_err(|e| StartError::Core(e.to_string()))?;
        broker.addresses = started?;
        Ok(broker)
    }

    /// Tells every client that the server stops (0x8B) and ends everything.
    pub async fn stop(mut self) {
        self.peers.disconnect_all(SERVER_SHUTTING_DOWN);
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.peers.connections() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
        self.end();
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for DevBroker {
    fn drop(&mut self) {
        self.end();
    }
}

async fn start_parts(
    settings: BrokerSettings,
    options: Options,
    peers: Arc<Peers>,
) -> Result<BTreeMap<String, SocketAddr>, StartError> {
    let names = names(&settings.listeners);
    check_bind_names(&options.bind, &names, &settings.listeners)?;
    let bans = Arc::new(Bans::default());
    let authorizer = Arc::new(Authorizer::new(&settings.authorization));
    let global = chain(&settings.global_chain);
    let mut addresses = BTreeMap::new();
    let mut bound = Vec::new();
    for (listener, name) in settings.listeners.into_iter().zip(names) {
        let address = address_of(&options.bind, &listener, &name);
        let tls = match &listener.transport {
            Transport::Tls(files) => Some(front::server_config(
                &listener.id(),
                files,
                &options.certs_dir,
                options.crl.as_deref(),
            )?),
            Transport::WebSocket { .. } | Transport::Tcp => None,
        };
        let (socket, address) = bind(&listener.id(), address).await?;
        addresses.insert(name, address);
        bound.push(Bound {
            settings: listener,
            socket,
            tls,
        });
    }
    let listeners: Vec<_> = bound.iter().map(|bound| bound.settings.clone()).collect();
    let (core, inner) = Core::start(&listeners, Arc::clone(&peers), authorizer).await?;
    let (api_socket, api_address) = bind("api", options.api_bind).await?;
    addresses.insert("api".to_owned(), api_address);
    let management = api::Management::new(
        core,
        Arc::clone(&peers),
        Arc::clone(&bans),
        options.api_key,
        options.conf,
    );
    tokio::spawn(api::serve(api_socket, management));
    for (bound, inner) in bound.into_iter().zip(inner) {
        let own = bound.settings.chain.as_deref().map(chain);
        let front = Front {
            id: bound.settings.id(),
            chain: own.unwrap_or_else(|| global.clone()),
            settings: bound.settings,
            bans: Arc::clone(&bans),
            peers: Arc::clone(&peers),
            inner,
        };
        tokio::spawn(front::serve(Arc::new(front), bound.socket, bound.tls));
    }
    Ok(addresses)
}

fn chain(sources: &[HttpSource]) -> AuthnChain {
    AuthnChain::new(
        sources
            .iter()
            .cloned()
            .map(|source| Arc::new(HookClient::new(source)))
            .collect(),
    )
}

async fn bind(
    listener: &str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Bind {
        listener: listener.to_owned(),
        address,
        source,
    };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok((socket, address))
}

/// The short name of a listener: what it is for, where its zone says so, else its EMQX id.
fn names(listeners: &[ListenerSettings]) -> Vec<String> {
    let short = |listener: &ListenerSettings| match listener.zone.as_str() {
        emqx_config::contract::ZONE_DEVICE => Some("devices"),
        emqx_config::contract::ZONE_SERVICE => Some("services"),
        emqx_config::contract::ZONE_PEOPLE => Some("people"),
        _ => None,
    };
    let name = |listener: &ListenerSettings| {
        let alone = listeners
            .iter()
            .filter(|other| other.zone == listener.zone)
            .count()
            == 1;
        match short(listener) {
            Some(name) if alone => name.to_owned(),
            _ => listener.id(),
        }
    };
    listeners.iter().map(name).collect()
}

fn answers_to(key: &str, listener: &ListenerSettings, name: &str) -> bool {
    key == name || key == listener.id() || key == listener.zone
}

fn check_bind_names(
    bind: &BTreeMap<String, SocketAddr>,
    names: &[String],
    listeners: &[ListenerSettings],
) -> Result<(), StartError> {
    for key in bind.keys() {
        let mut pairs = listeners.iter().zip(names);
        if !pairs.any(|(listener, name)| answers_to(key, listener, name)) {
            return Err(StartError::UnknownListener {
                name: key.clone(),
                known: names.join(", "),
            });
        }
    }
    Ok(())
}

fn address_of(
    bind: &BTreeMap<String, SocketAddr>,
    listener: &ListenerSettings,
    name: &str,
) -> SocketAddr {
    let given = bind.iter().find(|(key, _)| answers_to(key, listener, name));
    given.map_or(
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        |(_, address)| *address,
    )
}

fn set_headers(settings: &mut BrokerSettings, headers: &BTreeMap<String, String>) {
    let own = settings
        .listeners
        .iter_mut()
        .filter_map(|listener| listener.chain.as_mut())
        .flatten();
    let all = own
        .chain(&mut settings.global_chain)
        .chain(&mut settings.authorization.sources);
    for source in all {
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            source.headers.retain(|(held, _)| *held != name);
            source
                .headers
                .push((name, Template::parse(value, |_| false)));
        }
    }
}
