//! Three places where rmqtt 0.24 has a trait and no use of it without its plug-ins.

use std::time::Duration;

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::delayed::DelayedSender;
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::subscribe::SharedSubscription;
use rmqtt::types::{From, Publish, Retain, TopicFilter, TopicName};

/// Puts all three in place.
pub(super) async fn install(context: &ServerContext) {
    *context.extends.retain_mut().await = Box::new(Retained(DefaultRetainStorage::new()));
    *context.extends.shared_subscription_mut().await = Box::new(SharedByDefault);
    *context.extends.delayed_sender_mut().await = Box::new(Dropper);
}

/// rmqtt's in-memory tree works, but its trait implementation only logs.
struct Retained(DefaultRetainStorage);

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(
        &self,
        topic: &TopicName,
        retain: Retain,
        expiry: Option<Duration>,
    ) -> rmqtt::Result<()> {
        let expiry = expiry.filter(|expiry| !expiry.is_zero());
        self.0.set_with_timeout(topic, retain, expiry).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.0.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }
}

/// Without this `$share/...` would be an ordinary topic.
struct SharedByDefault;

#[async_trait]
impl SharedSubscription for SharedByDefault {
    fn is_supported(&self) -> bool {
        true
    }

    async fn choice(
        &self,
        context: &ServerContext,
        _group: &rmqtt::types::SharedGroup,
        _publisher: &rmqtt::types::Id,
        _topic: &TopicName,
        members: &[(
            rmqtt::types::NodeId,
            rmqtt::types::ClientId,
            rmqtt::types::SubscriptionOptions,
            Option<Vec<rmqtt::types::SubscriptionIdentifier>>,
            Option<rmqtt::types::IsOnline>,
        )],
    ) -> Option<(usize, rmqtt::types::IsOnline)> {
        if members.is_empty() {
            return None;
        }
        let start = rand::random_range(0..members.len());
        let router = context.extends.router().await;
        for offset in 0..members.len() {
            let index = (start + offset) % members.len();
            let (node, client, _, _, online) = &members[index];
            let online = match online {
                Some(online) => *online,
                None => router.is_online(*node, client).await,
            };
            if online {
                return Some((index, true));
            }
        }
        Some((start, false))
    }
}

/// A message with a delay is one that must vanish: the hooks can change a will but not drop it, and
/// a delayed message is the only one that rmqtt lets somebody else take.
struct Dropper;

#[async_trait]
impl DelayedSender for Dropper {
    fn parse(&self, publish: Publish) -> rmqtt::Result<Publish> {
        Ok(publish)
    }

    async fn delay_publish(
        &self,
        _from: From,
        _publish: Publish,
        _stored: bool,
        _expiry: Option<Duration>,
    ) -> rmqtt::Result<Option<(From, Publish)>> {
        Ok(None)
    }

    async fn len(&self) -> usize {
        0
    }
}

/// Marks a message for [`Dropper`].
pub(super) fn dropped(mut publish: Publish) -> Publish {
    publish.delay_interval = Some(0);
    publish
}
