//! Accepts connections of one listener and gives each its own task.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::{Front, connection, websocket};
use crate::certificate::PeerCertificate;
use crate::settings::Transport;

/// Most connections of one listener; loopback ports towards the core end near 28,000.
const MAX_CONNECTIONS: usize = 20_000;
/// Handshakes of one listener at a time, counted from the first byte. A crowd that arrives at once
/// would otherwise starve the answers of the hooks, and requests would time out.
const MAX_HANDSHAKES: usize = 32;

/// Accepts until the task is dropped.
pub(crate) async fn serve(
    front: Arc<Front>,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, listener = front.id, "accept failed");
                // Out of descriptors: give connections a moment to end.
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%address, listener = front.id, "too many connections: closed");
            continue;
        };
        let front = Arc::clone(&front);
        let tls = tls.clone().map(|config| (config, Arc::clone(&handshakes)));
        tokio::spawn(async move {
            let _place = place;
            welcome(&front, stream, address, tls).await;
        });
    }
}

async fn welcome(
    front: &Front,
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<(Arc<ServerConfig>, Arc<Semaphore>)>,
) {
    // A lost optimisation, never a reason to refuse.
    let _ = stream.set_nodelay(true);
    match (&front.settings.transport, tls) {
        (Transport::Tls(files), Some((config, handshakes))) => {
            // Silent connections must not keep others from a turn.
            if !matches!(
                timeout(files.handshake_timeout, stream.readable()).await,
                Ok(Ok(()))
            ) {
                return;
            }
            let turn = handshakes.acquire().await;
            let handshake = TlsAcceptor::from(config).accept(stream);
            let handshake = timeout(files.handshake_timeout, handshake).await;
            drop(turn);
            match handshake {
                Ok(Ok(stream)) => {
                    let certificates = stream.get_ref().1.peer_certificates();
                    let leaf = certificates.and_then(|chain| chain.first());
                    let certificate = leaf.and_then(|leaf| PeerCertificate::from_der(leaf));
                    connection::serve(front, stream, address, certificate).await;
                }
                Ok(Err(error)) => {
                    tracing::info!(%address, %error, listener = front.id, "TLS handshake failed");
                }
                Err(_) => tracing::info!(%address, listener = front.id, "TLS handshake too slow"),
            }
        }
        (
            Transport::WebSocket {
                path,
                require_subprotocol,
            },
            _,
        ) => {
            let limits = &front.settings.limits;
            let upgrade = websocket::upgrade(stream, path, *require_subprotocol, limits);
            match timeout(limits.idle_timeout, upgrade).await {
                Ok(Ok(stream)) => connection::serve(front, stream, address, None).await,
                Ok(Err(error)) => {
                    tracing::info!(%address, %error, listener = front.id, "no WebSocket");
                }
                Err(_) => tracing::info!(%address, listener = front.id, "upgrade too slow"),
            }
        }
        (Transport::Tcp, _) => connection::serve(front, stream, address, None).await,
        (Transport::Tls(_), None) => {
            tracing::error!(listener = front.id, "a TLS listener without TLS: closed");
        }
    }
}
