//! rmqtt's hooks: they hand each question to [`Authorizer`] and apply the zone's limits after it.
//!
//! As on EMQX the rights come first and the limits second, so a filter that is neither allowed nor
//! possible is answered with 0x87.

use std::sync::Arc;

use async_trait::async_trait;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, Publish, PublishAclResult, Subscribe, SubscribeReturn,
};

use super::stores::dropped;
use crate::acl::{Action, ActionKind};
use crate::authz::Authorizer;
use crate::peers::{Peer, Peers};

/// Registers the handlers.
pub(super) async fn install(
    context: &ServerContext,
    peers: Arc<Peers>,
    authorizer: Arc<Authorizer>,
) {
    let register = context.extends.hook_mgr().register();
    for kind in [
        Type::ClientAuthenticate,
        Type::ClientSubscribeCheckAcl,
        Type::MessagePublish,
        Type::MessagePublishCheckAcl,
    ] {
        let hooks = Hooks {
            peers: Arc::clone(&peers),
            authorizer: Arc::clone(&authorizer),
        };
        register.add(kind, Box::new(hooks)).await;
    }
    register.start().await;
}

struct Hooks {
    peers: Arc<Peers>,
    authorizer: Arc<Authorizer>,
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "async_trait needs the trait's own late-bound form"
)]
#[async_trait]
impl Handler for Hooks {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        let result = match parameter {
            Parameter::ClientAuthenticate(connect) => HookResult::AuthResult(self.admit(connect)),
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(self.subscribe(session, subscribe).await)
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(self.publish(session, publish).await)
            }
            Parameter::MessagePublish(Some(session), from, publish)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                if self.will_is_allowed(session, publish).await {
                    return (true, so_far);
                }
                HookResult::Publish(dropped((*publish).clone()))
            }
            _ => return (true, so_far),
        };
        (false, Some(result))
    }
}

impl Hooks {
    /// The front has authenticated; here only its own connections are told from strangers.
    fn admit(&self, connect: &ConnectInfo) -> AuthResult {
        match connect
            .id()
            .remote_addr
            .and_then(|inner| self.peers.arrived(inner))
        {
            Some(_) => AuthResult::Allow(false, None),
            None => AuthResult::NotAuthorized,
        }
    }

    fn peer(&self, session: &Session) -> Option<Arc<Peer>> {
        self.peers
            .of_session(session.id.remote_addr?, &session.id.client_id)
    }

    async fn subscribe(&self, session: &Session, subscribe: &Subscribe) -> SubscribeReturn {
        let refuse = SubscribeReturn::new_failure;
        let Some(peer) = self.peer(session) else {
            return refuse(SubscribeAckReason::NotAuthorized);
        };
        let filter: &str = &subscribe.topic_filter;
        let qos = subscribe.opts.qos();
        let action = Action {
            kind: ActionKind::Subscribe,
            topic: filter,
            qos: qos.value(),
            retain: false,
        };
        if !self.authorizer.allows(&peer, action).await {
            if self.authorizer.deny_disconnects() {
                peer.disconnect_now(NOT_AUTHORIZED);
            }
            return refuse(SubscribeAckReason::NotAuthorized);
        }
        let limits = peer.limits();
        let wild = filter.split('/').any(|level| level == "+" || level == "#");
        if beyond(limits.max_topic_levels, levels(filter)) {
            return refuse(SubscribeAckReason::TopicFilterInvalid);
        }
        if wild && !limits.wildcard_subscription {
            return refuse(SubscribeAckReason::WildcardSubscriptionsNotSupported);
        }
        if subscribe.opts.shared_group().is_some() && !limits.shared_subscription {
            return refuse(SubscribeAckReason::SharedSubscriptionNotSupported);
        }
        if limits.max_subscriptions > 0
            && let Ok(held) = session.subscriptions().await
            && !held.read().await.contains_key(&subscribe.topic_filter)
            && held.len().await >= limits.max_subscriptions
        {
            return refuse(SubscribeAckReason::QuotaExceeded);
        }
        SubscribeReturn::new_success(qos, None)
    }

    async fn publish(&self, session: &Session, publish: &Publish) -> PublishAclResult {
        let Some(peer) = self.peer(session) else {
            return PublishAclResult::rejected(true, None);
        };
        if !self.may_publish(&peer, publish).await {
            let disconnect = self.authorizer.deny_disconnects();
            if disconnect {
                peer.set_disconnect_code(NOT_AUTHORIZED);
            }
            return PublishAclResult::rejected(disconnect, None);
        }
        let limits = peer.limits();
        let beyond_limit = if publish.qos.value() > limits.max_qos {
            Some(QOS_NOT_SUPPORTED)
        } else if publish.retain && !limits.retain_available {
            Some(RETAIN_NOT_SUPPORTED)
        } else if beyond(limits.max_topic_levels, levels(&publish.topic)) {
            Some(TOPIC_NAME_INVALID)
        } else {
            None
        };
        if let Some(code) = beyond_limit {
            peer.disconnect_now(code);
            return PublishAclResult::rejected(true, None);
        }
        PublishAclResult::allow()
    }

    async fn may_publish(&self, peer: &Peer, publish: &Publish) -> bool {
        let action = Action {
            kind: ActionKind::Publish,
            topic: without_delay(&publish.topic),
            qos: publish.qos.value(),
            retain: publish.retain,
        };
        self.authorizer.allows(peer, action).await
    }

    /// EMQX authorizes a will when it fires; rmqtt would not at all.
    async fn will_is_allowed(&self, session: &Session, publish: &Publish) -> bool {
        match self.peer(session) {
            Some(peer) => !peer.will_is_muted() && self.may_publish(&peer, publish).await,
            None => false,
        }
    }
}

const NOT_AUTHORIZED: u8 = 0x87;
const TOPIC_NAME_INVALID: u8 = 0x90;
const RETAIN_NOT_SUPPORTED: u8 = 0x9A;
const QOS_NOT_SUPPORTED: u8 = 0x9B;

fn levels(topic: &str) -> usize {
    topic.split('/').count()
}

fn beyond(most: usize, found: usize) -> bool {
    most > 0 && found > most
}

/// `$delayed/N/t` is authorized as `t`, repeatedly (contract 1.6; only read).
fn without_delay(mut topic: &str) -> &str {
    while let Some(rest) = topic.strip_prefix("$delayed/") {
        match rest.split_once('/') {
            Some((_, inner)) => topic = inner,
            None => break,
        }
    }
    topic
}
