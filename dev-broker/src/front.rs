//! Where clients arrive: TLS or WebSocket, CONNECT, ban check, authentication, then a pump between
//! the client and the MQTT core.
//!
//! The front reads exactly one MQTT packet itself, CONNECT, and writes only CONNACK of a refusal
//! and DISCONNECT; everything between is passed through. One connection's trouble (broken TLS,
//! nonsense instead of MQTT, a slow hook) never reaches another.

mod accept;
mod connect;
mod connection;
mod frame;
mod pump;
mod reply;
mod tls;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::authn::AuthnChain;
use crate::bans::Bans;
use crate::peers::Peers;
use crate::settings::ListenerSettings;

pub(crate) use accept::serve;
pub(crate) use tls::server_config;

/// What every connection of one listener shares.
#[derive(Debug)]
pub(crate) struct Front {
    /// The listener's EMQX id.
    pub id: String,
    /// Its settings.
    pub settings: ListenerSettings,
    /// Its chain, or the global one.
    pub chain: AuthnChain,
    /// The broker's bans.
    pub bans: Arc<Bans>,
    /// The broker's clients.
    pub peers: Arc<Peers>,
    /// The core's listener for this one.
    pub inner: SocketAddr,
}
