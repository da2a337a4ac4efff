//! The clients of one broker: what is known of each, and how its connection is told to end.
//!
//! A front connection *arrives* under the address of its inner socket, which is how the MQTT core
//! and its hooks name it; once the core makes a session, the peer is also its client id's holder.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use crate::answer::authn::Grant;
use crate::client::ClientInfo;
use crate::settings::Limits;

/// One authenticated client.
#[derive(Debug)]
pub(crate) struct Peer {
    client: ClientInfo,
    grant: Grant,
    limits: Limits,
    connected_at: SystemTime,
    will_muted: AtomicBool,
    disconnect_code: AtomicU8,
    close: CancellationToken,
}

impl Peer {
    /// A client that a chain has just let in.
    pub(crate) fn new(client: ClientInfo, grant: Grant, limits: Limits) -> Self {
        Self {
            client,
            grant,
            limits,
            connected_at: SystemTime::now(),
            will_muted: AtomicBool::new(false),
            disconnect_code: AtomicU8::new(0),
            close: CancellationToken::new(),
        }
    }

    /// Who it is.
    pub(crate) fn client(&self) -> &ClientInfo {
        &self.client
    }

    /// What the authn answer gave it.
    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The limits of its zone.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// When it was let in.
    pub(crate) fn connected_at(&self) -> SystemTime {
        self.connected_at
    }

    /// Its will is not published any more: a ban does that (emqx-verified #10).
    pub(crate) fn mute_will(&self) {
        self.will_muted.store(true, Ordering::SeqCst);
    }

    /// Whether [`Peer::mute_will`] was called.
    pub(crate) fn will_is_muted(&self) -> bool {
        self.will_muted.load(Ordering::SeqCst)
    }

    /// Sets the DISCONNECT code sent when the core lets go of the connection; the first one stays.
    pub(crate) fn set_disconnect_code(&self, code: u8) {
        let _ = self
            .disconnect_code
            .compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// The code to send, if any.
    pub(crate) fn disconnect_code(&self) -> Option<u8> {
        match self.disconnect_code.load(Ordering::SeqCst) {
            0 => None,
            code => Some(code),
        }
    }

    /// Ends the connection now with a DISCONNECT of this code.
    pub(crate) fn disconnect_now(&self, code: u8) {
        self.set_disconnect_code(code);
        self.close.cancel();
    }

    /// Ends the connection now without a DISCONNECT.
    pub(crate) fn cut(&self) {
        self.disconnect_code.store(0, Ordering::SeqCst);
        self.close.cancel();
    }

    /// Resolves once [`Peer::disconnect_now`] or [`Peer::cut`] was called.
    pub(crate) async fn told_to_close(&self) {
        self.close.cancelled().await;
    }
}

/// All peers of one broker.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    arrivals: HashMap<SocketAddr, Arc<Peer>>,
    sessions: HashMap<(SocketAddr, String), Arc<Peer>>,
    holders: HashMap<String, Arc<Peer>>,
}

impl Peers {
    fn tables(&self) -> std::sync::MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A front connection is about to send CONNECT from this inner address.
    pub(crate) fn arrive(&self, inner: SocketAddr, peer: Arc<Peer>) {
        self.tables().arrivals.insert(inner, peer);
    }

    /// The front connection of this inner address is over.
    pub(crate) fn leave(&self, inner: SocketAddr) {
        self.tables().arrivals.remove(&inner);
    }

    /// The peer behind an inner address.
    pub(crate) fn arrived(&self, inner: SocketAddr) -> Option<Arc<Peer>> {
        self.tables().arrivals.get(&inner).cloned()
    }

    /// The core makes a session for this inner address: the peer holds its client id from now on.
    pub(crate) fn hold(&self, inner: SocketAddr) -> Option<Arc<Peer>> {
        let mut tables = self.tables();
        let peer = tables.arrivals.get(&inner)?.clone();
        let client_id = peer.client.client_id.clone();
        tables
            .sessions
            .insert((inner, client_id.clone()), Arc::clone(&peer));
        tables.holders.insert(client_id, Arc::clone(&peer));
        Some(peer)
    }

    /// The peer of a session, connected or not.
    pub(crate) fn of_session(&self, inner: SocketAddr, client_id: &str) -> Option<Arc<Peer>> {
        self.tables()
            .sessions
            .get(&(inner, client_id.to_owned()))
            .cloned()
    }

    /// The peer that holds a client id, connected or not.
    pub(crate) fn holder(&self, client_id: &str) -> Option<Arc<Peer>> {
        self.tables().holders.get(client_id).cloned()
    }

    /// All holders.
    pub(crate) fn holders(&self) -> Vec<Arc<Peer>> {
        self.tables().holders.values().cloned().collect()
    }

    /// The session of this peer is gone.
    pub(crate) fn forget(&self, inner: SocketAddr, peer: &Arc<Peer>) {
        let mut tables = self.tables();
        let client_id = &peer.client.client_id;
        let key = (inner, client_id.clone());
        if tables
            .sessions
            .get(&key)
            .is_some_and(|held| Arc::ptr_eq(held, peer))
        {
            tables.sessions.remove(&key);
        }
        if tables
            .holders
            .get(client_id)
            .is_some_and(|held| Arc::ptr_eq(held, peer))
        {
            tables.holders.remove(client_id);
        }
    }

    /// Ends every connection with a DISCONNECT of this code.
    pub(crate) fn disconnect_all(&self, code: u8) {
        let arrivals: Vec<_> = self.tables().arrivals.values().cloned().collect();
        for peer in arrivals {
            peer.disconnect_now(code);
        }
    }

    /// How many front connections are inside.
    pub(crate) fn connections(&self) -> usize {
        self.tables().arrivals.len()
    }
}
