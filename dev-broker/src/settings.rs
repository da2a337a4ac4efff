//! What the broker is told to do, in its own words: listeners, authenticators, authorization, zones.
//!
//! `from_conf` fills it from the shipped EMQX file; tests may write it by hand. It never reads a
//! file and never opens a socket.

use std::path::PathBuf;
use std::time::Duration;

use crate::template::Template;

/// Everything one broker needs to start.
#[derive(Debug, Clone)]
pub struct BrokerSettings {
    /// The listeners, in the file's order.
    pub listeners: Vec<ListenerSettings>,
    /// The chain of a listener that has none of its own. Empty admits everybody (EMQX 5.8).
    pub global_chain: Vec<HttpSource>,
    /// What decides publishes, subscribes and wills.
    pub authorization: Authorization,
}

/// One MQTT listener with its zone already folded in.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// The name in the file, for example `devices`.
    pub name: String,
    /// How bytes arrive.
    pub transport: Transport,
    /// The zone's name, rendered for `${zone}`.
    pub zone: String,
    /// The listener's own chain; `None` means the global one is asked.
    pub chain: Option<Vec<HttpSource>>,
    /// Limits of the zone.
    pub limits: Limits,
}

impl ListenerSettings {
    /// EMQX's id of the listener, for example `ssl:devices`.
    pub fn id(&self) -> String {
        let kind = match self.transport {
            Transport::Tls(_) => "ssl",
            Transport::WebSocket { .. } => "ws",
            Transport::Tcp => "tcp",
        };
        format!("{kind}:{}", self.name)
    }
}

/// How a listener receives bytes.
#[derive(Debug, Clone)]
pub enum Transport {
    /// TLS with a required client certificate.
    Tls(TlsFiles),
    /// Plain HTTP upgraded to WebSocket under this path.
    WebSocket {
        /// The path, for example `/mqtt`.
        path: String,
        /// Refuse an upgrade that does not offer the sub-protocol `mqtt`.
        require_subprotocol: bool,
    },
    /// Plain TCP. Never shipped; only for tests written by hand.
    Tcp,
}

/// PEM files of a TLS listener. Only their file names matter: they are looked up in the folder of
/// certificates that the caller gives.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificates of the authorities whose clients are let in.
    pub trust: PathBuf,
    /// The broker's chain.
    pub certificate: PathBuf,
    /// The broker's key.
    pub key: PathBuf,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
}

/// Limits of a zone. A refused one answers with the code that EMQX 5.8.9 was seen to send.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest MQTT packet in bytes.
    pub max_packet_bytes: u32,
    /// Longest client id in bytes (0x85).
    pub max_clientid_bytes: usize,
    /// Most levels of a topic (0x90) or a filter (0x8F); 0 is no limit.
    pub max_topic_levels: usize,
    /// Highest `QoS` of a publish (0x9B).
    pub max_qos: u8,
    /// Whether retained publishes are taken (0x9A).
    pub retain_available: bool,
    /// Whether filters with wildcards are taken (0xA2).
    pub wildcard_subscription: bool,
    /// Whether `$share` filters are taken (0x9E).
    pub shared_subscription: bool,
    /// Most subscriptions of one client (0x97); 0 is no limit.
    pub max_subscriptions: usize,
    /// Unacknowledged `QoS` 1 and 2 messages towards one client.
    pub max_inflight: u16,
    /// Messages waiting for one client.
    pub max_mqueue: usize,
    /// Session expiry of 3.1.1 clients with `clean_session = false`.
    pub session_expiry: Duration,
    /// How long a client may take to send CONNECT.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    /// The defaults of EMQX 5.8's `mqtt` section.
    fn default() -> Self {
        Self {
            max_packet_bytes: 1024 * 1024,
            max_clientid_bytes: 65_535,
            max_topic_levels: 128,
            max_qos: 2,
            retain_available: true,
            wildcard_subscription: true,
            shared_subscription: true,
            max_subscriptions: 0,
            max_inflight: 32,
            max_mqueue: 1000,
            session_expiry: Duration::from_hours(2),
            idle_timeout: Duration::from_secs(15),
        }
    }
}

/// The authorization section.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// HTTP sources in order; the client's own `acl` always comes before them.
    pub sources: Vec<HttpSource>,
    /// The answer when nothing matched.
    pub no_match_allows: bool,
    /// Whether a denied action ends the connection.
    pub deny_disconnects: bool,
}

/// One HTTP authenticator or authorization source.
#[derive(Debug, Clone)]
pub struct HttpSource {
    /// POST with a body, or GET with the body's fields in the query.
    pub method: Method,
    /// The URL with placeholders in its path and query.
    pub url: SourceUrl,
    /// Headers, names in lower case.
    pub headers: Vec<(String, Template)>,
    /// The body's fields.
    pub body: Vec<(String, Template)>,
    /// Connections held open to the server.
    pub pool_size: usize,
    /// Most requests in flight on one connection.
    pub pipelining: usize,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take; the broker waits half a second more (seen on 5.8.9).
    pub request_timeout: Duration,
}

/// A source's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Fields go into the query.
    Get,
    /// Fields go into the body.
    Post,
}

/// A URL split so that only its path and query are templates.
#[derive(Debug, Clone)]
pub struct SourceUrl {
    /// `host:port` as it is sent in `host`.
    pub authority: String,
    /// Path and query.
    pub path: Template,
}
