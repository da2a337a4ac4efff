//! Carries bytes between a client and the core, and says the last word.
//!
//! The core only closes its socket; what the client is told comes from the peer's disconnect code,
//! which the session or a kick has set before. A close ordered from outside does not wait for the
//! core. A packet of our own is written only between two packets of the core.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, split};
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
/// How long a closed client may go on sending.
const LINGER: Duration = Duration::from_secs(1);
/// DISCONNECT code of a packet beyond the zone's limit.
const PACKET_TOO_LARGE: u8 = 0x95;
/// Bytes carried at a time.
const CHUNK: usize = 16 * 1024;

/// Runs until either side is done and the client was told why. What it returns is for [`linger`].
pub(super) async fn run<S: AsyncRead + AsyncWrite>(
    client: S,
    mut core: TcpStream,
    peer: &Peer,
) -> ReadHalf<S> {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_core, mut to_core) = core.split();
    let mut boundary = Boundary::default();
    let max_packet = usize::try_from(peer.limits().max_packet_bytes).unwrap_or(usize::MAX);
    {
        let upward = async {
            let mut chunk = vec![0; CHUNK];
            let mut sent = Boundary::default();
            while let Ok(count) = from_client.read(&mut chunk).await {
                sent.pass(&chunk[..count]);
                if sent.largest() > max_packet {
                    // The core would close with a code of its own.
                    return peer.disconnect_now(PACKET_TOO_LARGE);
                }
                if count == 0 || to_core.write_all(&chunk[..count]).await.is_err() {
                    break;
                }
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
    from_client
}

/// Takes what the client was still sending, for a moment: closing over unread bytes would reset the
/// connection, and the reset could overtake the DISCONNECT.
pub(super) async fn linger<S: AsyncRead>(mut from_client: ReadHalf<S>) {
    let mut chunk = vec![0; CHUNK];
    let draining = async { while matches!(from_client.read(&mut chunk).await, Ok(1..)) {} };
    let _ = timeout(LINGER, draining).await;
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
