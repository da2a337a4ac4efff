//! Carries bytes between a client and the core, and says the last word.
//!
//! The core only closes its socket; what the client is told comes from the peer's disconnect code,
//! which the session or a kick has set before. A close ordered from outside does not wait for the
//! core. A packet of our own is written only between two packets of the core.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::Boundary;
use super::reply;
use crate::clock::millis_until;
use crate::peers::Peer;

/// DISCONNECT code at `expire_at`.
const NOT_AUTHORIZED: u8 = 0x87;
/// How long the core may take to close after the client did, and a client to take the last packet.
const LAST_WORDS: Duration = Duration::from_secs(2);
const CHUNK: usize = 16 * 1024;

/// Runs until either side is done.
pub(super) async fn run<S: AsyncRead + AsyncWrite>(client: S, mut core: TcpStream, peer: &Peer) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_core, mut to_core) = core.split();
    let mut boundary = Boundary::default();
    {
        let upward = async {
            let mut chunk = vec![0; CHUNK];
            let mut sent = Boundary::default();
            while let Ok(count) = from_client.read(&mut chunk).await {
                if count == 0 || to_core.write_all(&chunk[..count]).await.is_err() {
                    break;
                }
                sent.pass(&chunk[..count]);
                if sent.disconnected() {
                    // The server closes after DISCONNECT, whatever the client does.
                    break;
                }
            }
            // The core may be gone already.
            let _ = to_core.shutdown().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        let downward = async {
            let mut chunk = vec![0; CHUNK];
            while let Ok(count) = from_core.read(&mut chunk).await {
                if count == 0 || to_client.write_all(&chunk[..count]).await.is_err() {
                    break;
                }
                boundary.pass(&chunk[..count]);
                if to_client.flush().await.is_err() {
                    break;
                }
            }
        };
        tokio::pin!(upward, downward);
        tokio::select! {
            biased;
            () = peer.told_to_close() => {}
            () = expired(peer) => peer.set_disconnect_code(NOT_AUTHORIZED),
            () = &mut downward => {}
            () = &mut upward => {}
        }
    }
    let farewell = async {
        if let Some(code) = peer.disconnect_code().filter(|_| boundary.reached())
            && let Some(packet) = reply::disconnect(peer.client().protocol, code)
        {
            to_client.write_all(&packet).await?;
        }
        to_client.shutdown().await
    };
    // The client may be gone already.
    let _ = timeout(LAST_WORDS, farewell).await;
}

async fn expired(peer: &Peer) {
    match peer.grant().expire_at {
        None => std::future::pending().await,
        Some(second) => loop {
            let left = millis_until(second);
            if left == 0 {
                return;
            }
            // Bounded steps, so that a changed clock is noticed.
            tokio::time::sleep(Duration::from_millis(left.min(60_000))).await;
        },
    }
}
