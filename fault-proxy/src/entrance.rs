//! The proxy itself: its listener, and the handle that whoever holds it turns.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::faults::{Entry, Faults};
use crate::relay::{Shared, relay};
use crate::totals::{Counters, Totals};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// After a failed `accept` (no file descriptors left): waiting is all that helps.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A running proxy. Dropping it resets every connection and frees the port.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    upstreams: watch::Sender<Vec<SocketAddr>>,
    faults: watch::Sender<Faults>,
    /// Whether the listener is open, as it last told.
    listening: watch::Receiver<bool>,
    cut: Arc<Mutex<CancellationToken>>,
    shared: Arc<Shared>,
    /// Bound and never listening, so that the port stays ours while nobody listens.
    _reserved: Socket,
    _end: DropGuard,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. Connections go to the upstreams in turn; one that does
    /// not accept is passed over. All delays follow from `seed`.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(upstreams: Vec<SocketAddr>, seed: u64) -> std::io::Result<Self> {
        let reserved = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = reserved
            .local_addr()?
            .as_socket()
            .ok_or_else(|| std::io::Error::other("a TCP socket has an address with a port"))?;
        let (upstreams, seen_upstreams) = watch::channel(upstreams);
        let (faults, seen_faults) = watch::channel(Faults::default());
        let shared = Arc::new(Shared {
            upstreams: seen_upstreams,
            faults: seen_faults.clone(),
            next: AtomicUsize::new(0),
            counters: Counters::default(),
            seed,
        });
        let cut = Arc::new(Mutex::new(CancellationToken::new()));
        let end = CancellationToken::new();
        let listener = listen(address)?;
        let (told, listening) = watch::channel(true);
        let entrance = Entrance {
            address,
            faults: seen_faults,
            told,
            cut: Arc::clone(&cut),
            shared: Arc::clone(&shared),
        };
        let ended = end.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = entrance.serve(listener) => {}
            }
        });
        Ok(Self {
            address,
            upstreams,
            faults,
            listening,
            cut,
            shared,
            _reserved: reserved,
            _end: end.drop_guard(),
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where connections go from now on; open ones stay where they are.
    pub fn set_upstreams(&self, upstreams: Vec<SocketAddr>) {
        self.upstreams.send_replace(upstreams);
    }

    /// Changes the faults, for open connections too, and waits until the port is open or closed as
    /// they say.
    pub async fn set(&self, faults: Faults) {
        self.faults.send_replace(faults);
        let wanted = faults.entry != Entry::Refuse;
        // An error is the end of the proxy, which nobody holds any more then.
        let _ = self
            .listening
            .clone()
            .wait_for(|open| *open == wanted)
            .await;
    }

    /// No faults any more.
    pub async fn heal(&self) {
        self.set(Faults::default()).await;
    }

    /// Resets every open connection, on both sides.
    pub fn cut(&self) {
        let next = CancellationToken::new();
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *cut, next).cancel();
    }

    /// What passed so far.
    pub fn totals(&self) -> Totals {
        self.shared.counters.read()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

/// The task that accepts.
struct Entrance {
    address: SocketAddr,
    faults: watch::Receiver<Faults>,
    told: watch::Sender<bool>,
    cut: Arc<Mutex<CancellationToken>>,
    shared: Arc<Shared>,
}

impl Entrance {
    async fn serve(mut self, first: TcpListener) {
        let mut listener = Some(first);
        loop {
            let refuse = self.faults.borrow_and_update().entry == Entry::Refuse;
            if refuse {
                listener = None;
            } else if listener.is_none() {
                listener = listen(self.address).ok();
            }
            self.told.send_replace(listener.is_some());
            let Some(open) = &listener else {
                // Refusing, or the port could not be opened again yet.
                let changed = self.faults.changed();
                if refuse {
                    if changed.await.is_err() {
                        return;
                    }
                } else {
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
                continue;
            };
            tokio::select! {
                changed = self.faults.changed() => if changed.is_err() { return },
                accepted = open.accept() => match accepted {
                    Ok((client, _)) => {
                        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
                        let cut = cut.clone();
                        tokio::spawn(relay(client, Arc::clone(&self.shared), cut));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN_AFTER).await,
                },
            }
        }
    }
}

fn socket(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
