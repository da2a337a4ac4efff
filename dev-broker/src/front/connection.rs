//! One client from its first byte to its last: CONNECT, ban, authentication, core.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connect::{self, Connect};
use super::reply::{Refusal, connack};
use super::{Front, pump};
use crate::authn::Authenticated;
use crate::certificate::PeerCertificate;
use crate::client::{ClientInfo, Protocol};
use crate::clock::unix_seconds;
use crate::peers::Peer;

/// How long a refused client may take to read its CONNACK.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves one client over any stream.
pub(super) async fn serve<S>(
    front: &Front,
    mut stream: S,
    address: SocketAddr,
    certificate: Option<PeerCertificate>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = &front.settings.limits;
    let reading = connect::read(&mut stream, limits.max_packet_bytes);
    let connect = match timeout(limits.idle_timeout, reading).await {
        Ok(Ok(connect)) => connect,
        Ok(Err(problem)) => {
            tracing::info!(%address, %problem, listener = front.id, "not MQTT");
            return;
        }
        Err(_) => {
            tracing::info!(%address, listener = front.id, "no CONNECT in time");
            return;
        }
    };
    let client = client_info(front, &connect, address, certificate);
    let protocol = client.protocol;
    let refuse = |refusal: Refusal| connack(protocol, refusal);
    let peerhost = address.ip().to_string();
    let refused =
        if client.client_id.len() > limits.max_clientid_bytes || client.client_id.is_empty() {
            Some(Refusal::ClientIdNotValid)
        } else if front.bans.hits(
            &client.client_id,
            client.username.as_deref(),
            &peerhost,
            unix_seconds(),
        ) {
            Some(Refusal::Banned)
        } else {
            None
        };
    if let Some(refusal) = refused {
        return say(&mut stream, &client, refusal, &refuse(refusal)).await;
    }
    // Nothing is registered while the hook thinks: a kick or ban placed now finds nobody, exactly
    // as on EMQX (emqx-verified #2).
    let grant = match front.chain.authenticate(&client).await {
        Authenticated::Allowed(grant) => grant,
        Authenticated::NotAuthorized => {
            let refusal = Refusal::NotAuthorized;
            return say(&mut stream, &client, refusal, &refuse(refusal)).await;
        }
        Authenticated::BadCredentials => {
            let refusal = Refusal::BadCredentials;
            return say(&mut stream, &client, refusal, &refuse(refusal)).await;
        }
        Authenticated::Unrenderable => return,
    };
    let peer = Arc::new(Peer::new(client, grant, limits.clone()));
    let inside = match enter(front, &peer, &connect).await {
        Ok(inside) => inside,
        Err(error) => {
            tracing::error!(%error, listener = front.id, "the MQTT core can't be reached");
            let refusal = Refusal::ServerUnavailable;
            return say(&mut stream, peer.client(), refusal, &refuse(refusal)).await;
        }
    };
    let rest = pump::run(stream, inside.stream, &peer).await;
    front.peers.leave(inside.address);
    pump::linger(rest).await;
}

struct Inside {
    stream: TcpStream,
    address: SocketAddr,
}

async fn enter(front: &Front, peer: &Arc<Peer>, connect: &Connect) -> std::io::Result<Inside> {
    let mut stream = TcpStream::connect(front.inner).await?;
    stream.set_nodelay(true)?;
    let address = stream.local_addr()?;
    front.peers.arrive(address, Arc::clone(peer));
    if let Err(error) = stream.write_all(&connect.bytes).await {
        front.peers.leave(address);
        return Err(error);
    }
    Ok(Inside { stream, address })
}

async fn say<S: AsyncWrite + Unpin>(
    stream: &mut S,
    client: &ClientInfo,
    refusal: Refusal,
    packet: &[u8],
) {
    tracing::info!(
        client = client.client_id,
        listener = client.listener,
        ?refusal,
        "refused"
    );
    let last = async {
        stream.write_all(packet).await?;
        stream.shutdown().await
    };
    // A client that does not read its refusal is gone either way.
    let _ = timeout(REFUSAL_TIMEOUT, last).await;
}

fn client_info(
    front: &Front,
    connect: &Connect,
    address: SocketAddr,
    certificate: Option<PeerCertificate>,
) -> ClientInfo {
    let expiry_interval = match connect.protocol {
        Protocol::V5 => connect.expiry_interval,
        Protocol::V3(_) if connect.clean_start => 0,
        Protocol::V3(_) => {
            u32::try_from(front.settings.limits.session_expiry.as_secs()).unwrap_or(u32::MAX)
        }
    };
    ClientInfo {
        client_id: connect.client_id.clone(),
        username: connect.username.clone(),
        password: connect.password.clone(),
        peer: address,
        certificate,
        listener: front.id.clone(),
        zone: front.settings.zone.clone(),
        protocol: connect.protocol,
        keep_alive: connect.keep_alive,
        clean_start: connect.clean_start,
        expiry_interval,
    }
}
