//! What a broker is configured to do, from a file or from its management API.
//!
//! Values of headers are not kept, except of the two that name a format: the others may be secrets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Version;

/// A broker or a file for one.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    /// The file's path, or the cluster's address and node.
    pub(crate) name: String,
    /// The nodes of the cluster; none for a file.
    pub(crate) nodes: Vec<Node>,
    /// The version that the configuration is for. `None`: a file, and nobody said.
    pub(crate) version: Option<Version>,
    /// The configuration.
    pub(crate) conf: Conf,
    /// Whether another node of the cluster has another configuration.
    pub(crate) differs_from: Vec<String>,
}

/// A node as the cluster sees it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// For example `emqx@10.0.0.1`.
    pub(crate) name: String,
    /// Its version, if it told one.
    pub(crate) version: Option<Version>,
    /// Whether it runs.
    pub(crate) running: bool,
}

/// The settings that the checks look at. `None` where the configuration says nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    /// Enabled listeners.
    pub(crate) listeners: Vec<Listener>,
    /// The chain of listeners without one of their own.
    pub(crate) global_chain: Vec<Hook>,
    /// Who may publish and subscribe.
    pub(crate) authorization: Authorization,
    /// `authentication_settings.node_cache.enable`.
    pub(crate) authn_node_cache: Option<bool>,
    /// The zones by name. `None`: not told.
    pub(crate) zones: Option<BTreeMap<String, Zone>>,
    /// What holds where a zone says nothing.
    pub(crate) global: Zone,
    /// `delayed.enable`.
    pub(crate) delayed: Option<bool>,
    /// Number of rules in `rewrite`.
    pub(crate) rewrite_rules: usize,
    /// `file_transfer.enable`.
    pub(crate) file_transfer: Option<bool>,
    /// Other ways in or past the hooks: keys like `gateway.coap`, `exhook.servers`.
    pub(crate) side_doors: Vec<String>,
}

/// An enabled listener.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own that is on or off"
)]
pub(crate) struct Listener {
    /// EMQX's id: `ssl:default`.
    pub(crate) id: String,
    /// What it speaks.
    pub(crate) kind: Kind,
    /// Its zone.
    pub(crate) zone: String,
    /// `enable_authn`, as EMQX writes it.
    pub(crate) enable_authn: String,
    /// Its own chain; empty where it has none.
    pub(crate) chain: Vec<Hook>,
    /// `ssl_options.verify = verify_peer`.
    pub(crate) verify_peer: bool,
    /// `ssl_options.fail_if_no_peer_cert`.
    pub(crate) fail_if_no_peer_cert: bool,
    /// `ssl_options.versions`.
    pub(crate) versions: Vec<String>,
    /// `ssl_options.reuse_sessions`.
    pub(crate) reuse_sessions: Option<bool>,
    /// `ssl_options.session_tickets`, unless it is absent or `disabled`.
    pub(crate) session_tickets: Option<String>,
    /// `ssl_options.depth`.
    pub(crate) depth: Option<u64>,
    /// `ssl_options.enable_crl_check`.
    pub(crate) crl_check: bool,
    /// `ssl_options.client_renegotiation`.
    pub(crate) client_renegotiation: Option<bool>,
    /// `proxy_protocol`.
    pub(crate) proxy_protocol: bool,
    /// Whether `max_conn_rate` is set to a number.
    pub(crate) rate_limited: bool,
    /// `false` when the cluster says that it does not run.
    pub(crate) running: bool,
}

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// MQTT over TCP.
    Tcp,
    /// MQTT over TLS.
    Ssl,
    /// MQTT over WebSocket.
    Ws,
    /// MQTT over WebSocket over TLS.
    Wss,
    /// Something else, for example QUIC.
    Other,
}

/// An authenticator or an authorization source.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own that is on or off"
)]
pub(crate) struct Hook {
    /// Where it stands: `listeners.ssl.default.authentication[0]`.
    pub(crate) place: String,
    /// What it is, when it is not an HTTP hook: `built_in_database`, `file`.
    pub(crate) foreign: Option<String>,
    /// Whether it is asked at all.
    pub(crate) enable: bool,
    /// `method = get`.
    pub(crate) get: bool,
    /// The URL without a user and password.
    pub(crate) url: String,
    /// Header names in lower case; the value only of `content-type` and `accept`.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body: key to template.
    pub(crate) body: BTreeMap<String, String>,
    /// Connections for each node.
    pub(crate) pool_size: u64,
    /// Most requests under way on one connection.
    pub(crate) pipelining: u64,
    /// How long a connection may take to open.
    pub(crate) connect_timeout: Duration,
    /// How long EMQX waits for an answer, without its own 500 ms.
    pub(crate) request_timeout: Duration,
    /// `ssl.enable` with `ssl.verify = verify_none`.
    pub(crate) tls_unverified: bool,
    /// Whether a `precondition` may skip it.
    pub(crate) precondition: bool,
}

/// The section `authorization`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authorization {
    /// `no_match`.
    pub(crate) no_match: Option<String>,
    /// `deny_action`.
    pub(crate) deny_action: Option<String>,
    /// `cache.enable`.
    pub(crate) cache: Option<bool>,
    /// `node_cache.enable`.
    pub(crate) node_cache: Option<bool>,
    /// The sources; `None` where the key is absent.
    pub(crate) sources: Option<Vec<Hook>>,
}

/// What a zone, or the top level, says of its clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zone {
    /// `flapping_detect.enable`.
    pub(crate) flapping: Option<bool>,
    /// `mqtt.wildcard_subscription`.
    pub(crate) wildcard: Option<bool>,
    /// `mqtt.shared_subscription`.
    pub(crate) shared: Option<bool>,
    /// `peer_cert_as_clientid`, `peer_cert_as_username`, `clientid_override`, where they are on.
    pub(crate) identity_changed: Vec<String>,
}

impl Conf {
    /// What a zone says, or the top level where it says nothing or is not told.
    pub(crate) fn in_zone<T>(&self, zone: &str, read: impl Fn(&Zone) -> Option<T>) -> Option<T> {
        let own = self.zones.as_ref().and_then(|zones| zones.get(zone));
        own.and_then(&read).or_else(|| read(&self.global))
    }

    /// A file tells its zones even where it has none.
    #[must_use]
    pub(crate) fn with_known_zones(mut self) -> Self {
        self.zones.get_or_insert_default();
        self
    }

    /// Every hook: of listeners, of the global chain, of authorization.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = &Hook> {
        let own = self.listeners.iter().flat_map(|listener| &listener.chain);
        let sources = self.authorization.sources.iter().flatten();
        own.chain(&self.global_chain).chain(sources)
    }
}

impl Broker {
    /// What findings call one of its listeners.
    pub(crate) fn listener(&self, listener: &Listener) -> String {
        format!("{} listener {}", self.name, listener.id)
    }

    /// What findings call one of its hooks.
    pub(crate) fn hook(&self, hook: &Hook) -> String {
        format!("{} {}", self.name, hook.place)
    }
}

impl Listener {
    /// Whether everybody who connects must have shown a certificate.
    pub(crate) fn requires_certificate(&self) -> bool {
        self.kind.is_tls() && self.verify_peer && self.fail_if_no_peer_cert
    }

    /// The paths that its own chain asks.
    pub(crate) fn asks(&self, path: &str) -> bool {
        self.chain.iter().any(|hook| hook.path() == path)
    }
}

impl Kind {
    /// Whether TLS ends here.
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::Wss)
    }
}

impl Hook {
    /// Whether it is asked and is an HTTP hook.
    pub(crate) fn is_ours(&self) -> bool {
        self.enable && self.foreign.is_none()
    }

    /// What it is, in a few words.
    pub(crate) fn describe(&self) -> String {
        match &self.foreign {
            Some(kind) => format!("{} is {kind}", self.place),
            None => format!("{} asks {}", self.place, self.url),
        }
    }

    /// The path of the URL, without its query.
    pub(crate) fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let path = rest.find('/').map_or("/", |at| &rest[at..]);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        if path.len() > 1 {
            path.trim_end_matches('/')
        } else {
            path
        }
    }
}
