//! The `listeners` section.
//!
//! Opens nothing.

use super::ConfError;
use super::http::{HttpAuthenticator, HttpHook, Use};
use super::reader::Section;
use crate::hocon::Value;
use std::net::SocketAddr;

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What it speaks.
    pub kind: Kind,
    /// Its name, unique within its kind.
    pub name: String,
    /// Whether it is opened.
    pub enable: bool,
    /// Where it is opened. `None`: EMQX's default for the kind.
    pub bind: Option<SocketAddr>,
    /// The zone whose limits hold for its clients.
    pub zone: String,
    /// False when `enable_authn` lets everybody in or refuses by the user name alone.
    pub enable_authn: bool,
    /// Its own chain; `None` means the global one.
    pub authentication: Option<Vec<HttpAuthenticator>>,
    /// TLS, on `ssl` and `wss` listeners.
    pub ssl: Option<SslOptions>,
    /// The path of the WebSocket, on `ws` and `wss` listeners.
    pub websocket_path: Option<String>,
    /// Most connections at once, on each node.
    pub max_connections: Option<u64>,
    /// Most new connections in a time, as EMQX writes it (`1000/s`).
    pub max_conn_rate: Option<String>,
    /// Most messages of one client in a time (`100/s`).
    pub messages_rate: Option<String>,
}

/// What a listener speaks. QUIC is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// MQTT over TCP.
    Tcp,
    /// MQTT over TLS.
    Ssl,
    /// MQTT over WebSocket.
    Ws,
    /// MQTT over WebSocket over TLS.
    Wss,
}

/// TLS of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SslOptions {
    /// Trust anchors and intermediates for client certificates.
    pub cacertfile: Option<String>,
    /// The broker's certificate and its chain.
    pub certfile: Option<String>,
    /// The broker's key.
    pub keyfile: Option<String>,
    /// Whether client certificates are verified.
    pub verify: Verify,
    /// Whether a client without a certificate is refused.
    pub fail_if_no_peer_cert: bool,
    /// Protocol versions, as EMQX writes them (`tlsv1.3`).
    pub versions: Vec<String>,
    /// Most intermediates in a client's chain.
    pub depth: u64,
    /// Whether a TLS 1.2 session may resume without showing the certificate again.
    pub reuse_sessions: bool,
    /// Whether a revocation list is asked for at the handshake.
    pub enable_crl_check: bool,
}

/// Whether client certificates are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// `verify_none`
    None,
    /// `verify_peer`
    Peer,
}

// === impl Listener ===

impl Listener {
    pub(super) fn read(kind: &str, name: String, section: &Section<'_>) -> Result<Self, ConfError> {
        let kind = match kind {
            "tcp" => Kind::Tcp,
            "ssl" => Kind::Ssl,
            "ws" => Kind::Ws,
            "wss" => Kind::Wss,
            other => {
                return Err(ConfError::Wrong {
                    path: "listeners".to_owned(),
                    expected: "tcp, ssl, ws or wss",
                    found: format!("{other:?}"),
                });
            }
        };
        let tls = matches!(kind, Kind::Ssl | Kind::Wss);
        let web = matches!(kind, Kind::Ws | Kind::Wss);
        let path = section.section("websocket")?.text("mqtt_path")?;
        Ok(Self {
            kind,
            name,
            enable: section.boolean("enable")?.unwrap_or(true),
            bind: section.address("bind")?,
            zone: section
                .text("zone")?
                .unwrap_or_else(|| "default".to_owned()),
            enable_authn: section
                .value("enable_authn")
                .is_none_or(|value| *value == Value::Bool(true)),
            authentication: HttpHook::read_list(section, "authentication", Use::Authn)?,
            ssl: tls
                .then(|| SslOptions::read(&section.section("ssl_options")?))
                .transpose()?,
            websocket_path: web.then(|| path.unwrap_or_else(|| "/mqtt".to_owned())),
            max_connections: section.count("max_connections")?,
            max_conn_rate: section.text("max_conn_rate")?,
            messages_rate: section.text("messages_rate")?,
        })
    }
}

// === impl SslOptions ===

impl SslOptions {
    fn read(section: &Section<'_>) -> Result<Self, ConfError> {
        let verify = [("verify_none", Verify::None), ("verify_peer", Verify::Peer)];
        Ok(Self {
            cacertfile: section.text("cacertfile")?,
            certfile: section.text("certfile")?,
            keyfile: section.text("keyfile")?,
            verify: section
                .word("verify", "verify_none or verify_peer", &verify)?
                .unwrap_or(Verify::None),
            fail_if_no_peer_cert: section.boolean("fail_if_no_peer_cert")?.unwrap_or(false),
            versions: section
                .texts("versions")?
                .unwrap_or_else(|| vec!["tlsv1.3".to_owned(), "tlsv1.2".to_owned()]),
            depth: section.count("depth")?.unwrap_or(10),
            reuse_sessions: section.boolean("reuse_sessions")?.unwrap_or(true),
            enable_crl_check: section.boolean("enable_crl_check")?.unwrap_or(false),
        })
    }
}
