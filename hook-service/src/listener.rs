//! The hooks' listener: hyper's HTTP/1.1 connections.
//!
//! EMQX pipelines up to 100 requests on one connection. With Nagle's algorithm and one flush for
//! each response that costs 25 ms at the median, so both are off here: TCP_NODELAY, and responses
//! are flushed together once no request is left in the buffer (`pipeline_flush`).

mod front;
mod last_look;
mod out;
mod socket;
mod tls;
mod turns;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body::Body as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use self::front::Front;
use self::last_look::LastLook;
use self::socket::Socket;
use crate::endpoints::{self, Asked, Hooks, Unread, Watch};
use crate::threads::{Thread, Threads};

pub use self::tls::{TlsFiles, TlsFilesError};
/// What [`Listener::serve`] is stopped with.
pub use service_kit::shutdown::Shutdown;

/// Connections waiting to be accepted.
const BACKLOG: u32 = 1024;
/// Open connections at most. A broker opens two pools of some dozens; a hundred brokers fit.
const CONNECTIONS_MAX: usize = 4096;
/// A TLS handshake may take this long.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// Header fields of a request at most; EMQX sends about six.
const HEADERS_MAX: usize = 64;
/// What is read ahead of a connection, in bytes: a hundred pipelined requests.
const READ_AHEAD_BYTES: usize = 256 * 1024;

/// What the kernel keeps of a connection until it is read, in bytes; it doubles this for its own needs.
/// What a broker pipelines has to fit: the rest of it would come a round of the thread later.
const RECEIVE_BUFFER_BYTES: usize = 208 * 1024;

/// Listens on an address, which with `reuse_port` a second process may share.
pub fn bind(address: SocketAddr, reuse_port: bool) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(reuse_port)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The listener, bound but not yet serving.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Listener {
    /// Binds. With `reuse_port` a second process may take the same address over.
    pub fn bind(address: SocketAddr, reuse_port: bool) -> std::io::Result<Self> {
        let tcp = bind(address, reuse_port)?;
        // Connections inherit it.
        SockRef::from(&tcp).set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        Ok(Self { tcp, tls: None })
    }

    /// Speaks TLS and requires a client certificate.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        self.tls = tls;
        self
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `shutdown.soft`, then answers what is in flight and closes. Returns when the
    /// last connection is closed, at the latest at `shutdown.hard`.
    ///
    /// Each thread has hooks of its own, which `hooks` makes within its runtime, because each is late
    /// by itself.
    pub async fn serve(
        self,
        threads: Arc<Threads>,
        hooks: impl Fn(&Thread) -> Hooks,
        shutdown: Shutdown,
    ) {
        let hooks: Vec<Arc<Hooks>> = threads
            .iter()
            .map(|thread| {
                let _on_it = thread.runtime.enter();
                Arc::new(hooks(thread))
            })
            .collect();
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let connections = TaskTracker::new();
        let tls = self.tls;
        let serve = |stream: std::net::TcpStream| {
            let (thread, place) = threads.take_place();
            let hooks = Arc::clone(&hooks[thread.number]);
            let Ok(one_of_all) = Arc::clone(&places).try_acquire_owned() else {
                hooks.metrics.connections_refused.inc();
                return;
            };
            let connection = Connection {
                tls: tls.clone().map(TlsAcceptor::from),
                hooks,
                shutdown: shutdown.clone(),
            };
            let served = async move {
                let gauge = connection.hooks.metrics.connections.clone();
                gauge.inc();
                // Registered here, with the runtime that it is served by.
                match TcpStream::from_std(stream) {
                    Ok(stream) => connection.serve(stream).await,
                    Err(error) => tracing::warn!(%error, "a connection could not be taken over"),
                }
                gauge.dec();
                drop((place, one_of_all));
            };
            connections.spawn_on(served, &thread.runtime);
        };
        loop {
            let accepted = tokio::select! {
                accepted = self.tcp.accept() => accepted,
                () = shutdown.soft.cancelled() => break,
            };
            match accepted {
                Ok((stream, _)) => match stream.into_std() {
                    Ok(stream) => serve(stream),
                    Err(error) => tracing::warn!(%error, "a connection could not be handed over"),
                },
                Err(error) => {
                    // Out of file descriptors, or the peer left at once. Without a pause the first
                    // would spin.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
        // What the kernel has accepted for this process already would be reset by the close.
        // Asked of the kernel itself: tokio would only say what it was told of so far.
        if let Ok(tcp) = self.tcp.into_std() {
            while let Ok((stream, _)) = tcp.accept() {
                if stream.set_nonblocking(true).is_ok() {
                    serve(stream);
                }
            }
        }
        connections.close();
        connections.wait().await;
    }
}

/// The request at the front of these bytes that would be answered without the HTTP library, and its
/// length: what a fuzz target asks.
pub fn answered_at_once(bytes: &[u8]) -> Option<(usize, Asked<'_>)> {
    match Front::of(bytes) {
        Front::Whole { bytes, asked } => Some((bytes, asked)),
        Front::Partial | Front::Odd => None,
    }
}

struct Connection {
    tls: Option<TlsAcceptor>,
    hooks: Arc<Hooks>,
    shutdown: Shutdown,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        if stream.set_nodelay(true).is_err() {
            return; // The peer is gone already.
        }
        let Some(tls) = &self.tls else {
            return self.http(stream).await;
        };
        match tokio::time::timeout(HANDSHAKE_TIME_MAX, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream).await,
            Ok(Err(error)) => tracing::info!(%error, "a TLS handshake was refused"),
            Err(_elapsed) => tracing::info!("a TLS handshake took too long"),
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let hooks = &*self.hooks;
        let watch = &Watch::new(Instant::now());
        let service = service_fn(|request| {
            watch.begin();
            async move {
                let response = match endpoints::answer(hooks, watch, request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                // hyper keeps on asking for requests while a peer does not read the answers.
                watch.answered(response.body().size_hint().lower())?;
                Ok::<_, Unread>(response)
            }
        });
        // In this order: what the socket answers by itself passes the last look like every answer.
        let stream = LastLook::new(stream, hooks, watch);
        let socket = Socket::new(stream, watch, hooks);
        let connection = http1::Builder::new()
            // The watch sees to that, for all requests alike.
            .header_read_timeout(None)
            .max_headers(HEADERS_MAX)
            .max_buf_size(READ_AHEAD_BYTES)
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(socket), service);
        let mut connection = std::pin::pin!(turns::whole(connection, watch, &hooks.overload));
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = watch.stuck() => return,
            () = self.shutdown.soft.cancelled() => {
                // What is in flight is answered first; the library would only see its own part of it.
                let mut closing = false;
                let at_rest = std::future::poll_fn(|context| {
                    let polled = connection.as_mut().poll(context);
                    if polled.is_ready() || closing || !watch.is_at_rest() {
                        return polled;
                    }
                    closing = true;
                    connection.as_mut().wrapped().graceful_shutdown();
                    connection.as_mut().poll(context)
                });
                tokio::select! {
                    biased;
                    ended = at_rest => ended,
                    () = watch.stuck() => return,
                    () = self.shutdown.hard.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
