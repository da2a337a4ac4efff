//! The MQTT core: rmqtt as a library, reachable only through loopback sockets of our own front.
//!
//! rmqtt routes, keeps sessions and queues; who gets in, what is allowed and what is said at the
//! end is decided by our hooks and our front. What rmqtt 0.24 lacks is added in `stores` (retained
//! messages, shared subscriptions, a way to drop a will) and `session` (the reason of a close).

mod hooks;
mod session;
mod stores;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rmqtt::codec::types::{Publish as WirePublish, QoS};
use rmqtt::context::ServerContext;
use rmqtt::net::Builder;
use rmqtt::server::MqttServer;
use rmqtt::types::{ClientId, From, Id, Publish, Retain, TopicName};

use crate::authz::Authorizer;
use crate::error::StartError;
use crate::peers::Peers;
use crate::settings::{Limits, ListenerSettings};

/// DISCONNECT code of a kick and of a ban (emqx-verified, times).
const ADMINISTRATIVE_ACTION: u8 = 0x98;
/// How long a kick waits for a client that is stuck in an authorization call (emqx-verified).
const KICK_PATIENCE: Duration = Duration::from_millis(4_950);

/// A running core.
#[derive(Clone)]
pub(crate) struct Core {
    context: ServerContext,
    peers: Arc<Peers>,
}

/// A message from the management API.
#[derive(Debug, Clone)]
pub(crate) struct ApiMessage {
    /// Topic without wildcards.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// `QoS` 0 to 2.
    pub qos: u8,
    /// Retain flag.
    pub retain: bool,
}

impl Core {
    /// Starts the core with one inner listener for each of ours; their addresses come in order.
    pub(crate) async fn start(
        listeners: &[ListenerSettings],
        peers: Arc<Peers>,
        authorizer: Arc<Authorizer>,
    ) -> Result<(Self, Vec<SocketAddr>), StartError> {
        let context = ServerContext::new().build().await;
        stores::install(&context).await;
        session::install(&context, Arc::clone(&peers)).await;
        hooks::install(&context, Arc::clone(&peers), authorizer).await;
        let failed = |error: rmqtt::Error| StartError::Core(error.to_string());
        let mut addresses = Vec::new();
        let mut server = MqttServer::new(context.clone());
        for (index, listener) in listeners.iter().enumerate() {
            let inner = inner_listener(&listener.id(), &listener.limits);
            let inner = inner
                .bind()
                .and_then(rmqtt::net::Listener::tcp)
                .map_err(failed)?;
            addresses.push(inner.local_addr().map_err(failed)?);
            let id = u16::try_from(index + 1).map_err(|e| StartError::Core(e.to_string()))?;
            server = server.listener_by_id(inner, id);
        }
        let server = server.build();
        tokio::spawn(async move {
            if let Err(error) = server.run().await {
                tracing::error!(%error, "the MQTT core stopped");
            }
        });
        Ok((Self { context, peers }, addresses))
    }

    /// Ends a client's session; false if there is none. The will is published unless muted.
    pub(crate) async fn kick(&self, client_id: &str, mute_will: bool) -> bool {
        let shared = self.context.extends.shared().await;
        let mut entry = shared.entry(self.id(client_id));
        if !entry.exist() {
            return false;
        }
        let peer = self.peers.holder(client_id);
        if let Some(peer) = &peer {
            peer.set_disconnect_code(ADMINISTRATIVE_ACTION);
            if mute_will {
                peer.mute_will();
            }
        }
        let started = Instant::now();
        let outcome = entry.kick(true, true, true).await;
        let stuck = started.elapsed() >= KICK_PATIENCE || outcome.is_err();
        if let (true, Some(peer)) = (stuck, peer) {
            tracing::info!(client_id, "a kicked client did not let go in 5 s: cut");
            peer.cut();
        }
        true
    }

    /// Whether a session is connected, its queue length, its messages in flight, its subscriptions.
    pub(crate) async fn session_state(&self, client_id: &str) -> Option<SessionState> {
        let session = self
            .context
            .extends
            .shared()
            .await
            .entry(self.id(client_id))
            .session()?;
        Some(SessionState {
            connected: session.connected().await.unwrap_or(false),
            queued: session.deliver_queue().len(),
            in_flight: session.out_inflight().read().await.len(),
            subscriptions: match session.subscriptions().await {
                Ok(subscriptions) => subscriptions.len().await,
                Err(_) => 0,
            },
        })
    }

    /// Publishes without authorization, as the management API does; the number of receivers.
    pub(crate) async fn publish(&self, message: ApiMessage) -> usize {
        let from = From::from_admin(self.id("http_api"));
        let publish: Publish = WirePublish {
            dup: false,
            retain: message.retain,
            qos: QoS::try_from(message.qos).unwrap_or(QoS::AtMostOnce),
            topic: TopicName::from(message.topic),
            packet_id: None,
            payload: message.payload,
            properties: Some(rmqtt::codec::v5::PublishProperties::default()),
        }
        .into();
        if message.retain {
            let retain = self.context.extends.retain().await;
            let kept = Retain {
                msg_id: None,
                from: from.clone(),
                publish: publish.clone(),
            };
            if let Err(error) = retain.set(&publish.topic, kept, None).await {
                tracing::warn!(%error, "a retained message from the API was not kept");
            }
        }
        let shared = self.context.extends.shared().await;
        match shared.forwards(None, from, publish).await {
            Ok(receivers) | Err((receivers, _)) => receivers,
        }
    }

    fn id(&self, client_id: &str) -> Id {
        Id::from(self.context.node.id(), ClientId::from(client_id))
    }
}

/// What the management API shows of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionState {
    /// Whether a connection holds it.
    pub connected: bool,
    /// Messages waiting.
    pub queued: usize,
    /// Messages sent and not acknowledged.
    pub in_flight: usize,
    /// Subscriptions.
    pub subscriptions: usize,
}

fn inner_listener(name: &str, limits: &Limits) -> Builder {
    let mut builder = Builder::new()
        .name(name)
        .laddr((Ipv4Addr::LOCALHOST, 0).into())
        .backlog(1024)
        .nodelay(true)
        .allow_anonymous(false)
        .max_packet_size(limits.max_packet_bytes)
        .max_inflight(NonZeroU16::new(limits.max_inflight).unwrap_or(NonZeroU16::MIN))
        .max_mqueue_len(limits.max_mqueue)
        .session_expiry_interval(limits.session_expiry)
        .handshake_timeout(Duration::from_secs(30));
    // 0 is "never" for both: EMQX ships without an expiry of its own.
    builder = builder.message_expiry_interval(Duration::ZERO);
    builder
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::settings::{Authorization, Transport};

    #[tokio::test]
    async fn a_stranger_at_the_inner_port_is_refused() {
        let listener = ListenerSettings {
            name: "inner".to_owned(),
            transport: Transport::Tcp,
            zone: "default".to_owned(),
            chain: None,
            limits: Limits::default(),
        };
        let everything = Authorization {
            sources: Vec::new(),
            no_match_allows: true,
            deny_disconnects: false,
        };
        let authorizer = Arc::new(Authorizer::new(&everything));
        let (_core, inner) = Core::start(&[listener], Arc::default(), authorizer)
            .await
            .expect("the core starts");
        let mut stream = TcpStream::connect(inner[0]).await.expect("open");
        let connect = b"\x10\x0E\0\x04MQTT\x05\x02\0\x3c\0\0\x01x";
        stream.write_all(connect).await.expect("sent");
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await.expect("CONNACK");
        assert_eq!((connack[0], connack[3]), (0x20, 0x87));
    }
}
