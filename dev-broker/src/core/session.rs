//! rmqtt's session, watched: it learns which peer it belongs to and tells the front why it ends.
//!
//! rmqtt closes the socket before it would send DISCONNECT (stack.md 1.3), so the reason is caught
//! where it is recorded, one step earlier, and the front writes the packet after the last byte.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use rmqtt::Result;
use rmqtt::codec::v5::ToReasonCode as _;
use rmqtt::context::ServerContext;
use rmqtt::session::{DefaultSession, SessionLike, SessionManager};
use rmqtt::types::{
    ConnectInfo, ConnectInfoType, Disconnect, DisconnectInfo, FitterType, Id, ListenerConfig,
    MessageQueueType, OutInflightType, Password, Reason, SessionSubs, SubscriptionOptions,
    Subscriptions, TimestampMillis, TopicFilter, UserName,
};

use crate::peers::{Peer, Peers};

/// DISCONNECT code of a session taken over by another connection.
const SESSION_TAKEN_OVER: u8 = 0x8E;
/// DISCONNECT code of a denied publish with `deny_action = disconnect`.
const NOT_AUTHORIZED: u8 = 0x87;

/// Makes the core create watched sessions.
pub(super) async fn install(context: &ServerContext, peers: Arc<Peers>) {
    *context.extends.session_mgr_mut().await = Box::new(Watching { peers });
}

struct Watching {
    peers: Arc<Peers>,
}

#[async_trait]
impl SessionManager for Watching {
    async fn create(
        &self,
        id: Id,
        scx: ServerContext,
        listen_cfg: ListenerConfig,
        _fitter: FitterType,
        subscriptions: SessionSubs,
        deliver_queue: MessageQueueType,
        out_inflight: OutInflightType,
        conn_info: ConnectInfoType,
        created_at: TimestampMillis,
        connected_at: TimestampMillis,
        session_present: bool,
        superuser: bool,
        connected: bool,
        disconnect_info: Option<DisconnectInfo>,
        _last_id: Option<Id>,
    ) -> Result<Arc<dyn SessionLike>> {
        let inner = id.remote_addr;
        let held = inner.and_then(|inner| Some((inner, self.peers.hold(inner)?)));
        let session = DefaultSession::new(
            id,
            scx,
            listen_cfg,
            subscriptions,
            deliver_queue,
            out_inflight,
            conn_info,
            created_at,
            connected_at,
            session_present,
            superuser,
            connected,
            disconnect_info,
        );
        Ok(Arc::new(Watched {
            session,
            peers: Arc::clone(&self.peers),
            held,
        }))
    }
}

struct Watched {
    session: DefaultSession,
    peers: Arc<Peers>,
    held: Option<(SocketAddr, Arc<Peer>)>,
}

impl Watched {
    fn note(&self, reason: &Reason) {
        if let (Some((_, peer)), Some(code)) = (&self.held, disconnect_code(reason)) {
            peer.set_disconnect_code(code);
        }
    }
}

/// The code that the client is told, `None` where the client itself ended it.
fn disconnect_code(reason: &Reason) -> Option<u8> {
    match reason {
        Reason::ConnectKicked(false) => Some(SESSION_TAKEN_OVER),
        Reason::PublishResult(_)
        | Reason::SubscribeRefused
        | Reason::MqttError(rmqtt::net::MqttError::PublishAckReason(_, _)) => Some(NOT_AUTHORIZED),
        Reason::ConnectDisconnect(_)
        | Reason::ConnectRemoteClose
        | Reason::ConnectReadWriteError
        | Reason::ConnectReadWriteTimeout
        | Reason::Unknown => None,
        Reason::Reasons(reasons) => reasons.iter().find_map(disconnect_code),
        other => Some(u8::from(other.to_reason_code())),
    }
}

#[async_trait]
impl SessionLike for Watched {
    fn id(&self) -> &Id {
        self.session.id()
    }
    fn context(&self) -> &ServerContext {
        self.session.context()
    }
    fn listen_cfg(&self) -> &ListenerConfig {
        self.session.listen_cfg()
    }
    fn deliver_queue(&self) -> &MessageQueueType {
        self.session.deliver_queue()
    }
    fn out_inflight(&self) -> &OutInflightType {
        self.session.out_inflight()
    }
    async fn subscriptions(&self) -> Result<SessionSubs> {
        self.session.subscriptions().await
    }
    async fn subscriptions_add(
        &self,
        filter: TopicFilter,
        options: SubscriptionOptions,
    ) -> Result<Option<SubscriptionOptions>> {
        self.session.subscriptions_add(filter, options).await
    }
    async fn subscriptions_remove(
        &self,
        filter: &str,
    ) -> Result<Option<(TopicFilter, SubscriptionOptions)>> {
        self.session.subscriptions_remove(filter).await
    }
    async fn subscriptions_drain(&self) -> Result<Subscriptions> {
        self.session.subscriptions_drain().await
    }
    async fn subscriptions_extend(&self, other: Subscriptions) -> Result<()> {
        self.session.subscriptions_extend(other).await
    }
    async fn created_at(&self) -> Result<TimestampMillis> {
        self.session.created_at().await
    }
    async fn session_present(&self) -> Result<bool> {
        self.session.session_present().await
    }
    async fn connect_info(&self) -> Result<Arc<ConnectInfo>> {
        self.session.connect_info().await
    }
    fn username(&self) -> Option<&UserName> {
        self.session.username()
    }
    fn password(&self) -> Option<&Password> {
        self.session.password()
    }
    async fn protocol(&self) -> Result<u8> {
        self.session.protocol().await
    }
    async fn superuser(&self) -> Result<bool> {
        self.session.superuser().await
    }
    async fn connected(&self) -> Result<bool> {
        self.session.connected().await
    }
    async fn connected_at(&self) -> Result<TimestampMillis> {
        self.session.connected_at().await
    }
    async fn disconnected_at(&self) -> Result<TimestampMillis> {
        self.session.disconnected_at().await
    }
    async fn disconnected_reasons(&self) -> Result<Vec<Reason>> {
        self.session.disconnected_reasons().await
    }
    async fn disconnected_reason(&self) -> Result<Reason> {
        self.session.disconnected_reason().await
    }
    async fn disconnected_reason_has(&self) -> bool {
        self.session.disconnected_reason_has().await
    }
    async fn disconnected_reason_add(&self, reason: Reason) -> Result<()> {
        self.note(&reason);
        self.session.disconnected_reason_add(reason).await
    }
    async fn disconnected_reason_take(&self) -> Result<Reason> {
        self.session.disconnected_reason_take().await
    }
    async fn disconnect(&self) -> Result<Option<Disconnect>> {
        self.session.disconnect().await
    }
    async fn disconnected_set(
        &self,
        packet: Option<Disconnect>,
        reason: Option<Reason>,
    ) -> Result<()> {
        self.session.disconnected_set(packet, reason).await
    }
    async fn on_drop(&self) -> Result<()> {
        if let Some((inner, peer)) = &self.held {
            self.peers.forget(*inner, peer);
        }
        self.session.on_drop().await
    }
}
