//! `POST /authz`: from a body to a decision about one topic.

use serde::Deserialize;

use super::body::Text;
use super::{Hooks, answer, body};
use crate::decide::{Authz, Deny};
use crate::rights::{Action, Request as TopicRequest};

/// What the authz template of `emqx-config` sends. EMQX renders every value as a string.
#[derive(Debug, Deserialize)]
struct Ask<'a> {
    #[serde(borrow, default)]
    clientid: Text<'a>,
    #[serde(borrow, default)]
    username: Text<'a>,
    #[serde(borrow, default)]
    cert_common_name: Text<'a>,
    #[serde(borrow, default)]
    action: Text<'a>,
    #[serde(borrow, default)]
    topic: Text<'a>,
    #[serde(borrow, default)]
    qos: Text<'a>,
    #[serde(borrow, default)]
    retain: Text<'a>,
}

/// Decides about one topic.
pub(super) fn decide(hooks: &Hooks, body: &[u8]) -> Result<answer::Allow, Deny> {
    hooks.decide_until_settled(|| decide_body(hooks, body))
}

/// Whether this body lets a message or a subscription through, the lease aside: what a fuzz target
/// asks.
pub fn lets_topic_through(hooks: &Hooks, body: &[u8]) -> bool {
    decide_body(hooks, body).is_ok()
}

fn decide_body(hooks: &Hooks, body: &[u8]) -> Result<answer::Allow, Deny> {
    let ask: Ask<'_> = body::parse(body)?;
    let authz = Authz {
        client_id: ask.clientid.present(),
        username: ask.username.present(),
        cert_common_name: ask.cert_common_name.present(),
        request: ask.request()?,
    };
    authz
        .decide(&hooks.context())
        .map(|()| answer::Allow::topic())
}

impl Ask<'_> {
    fn request(&self) -> Result<TopicRequest<'_>, Deny> {
        let action = match self.action.present() {
            Some("publish") => Action::Publish,
            Some("subscribe") => Action::Subscribe,
            _ => return Err(Deny::Malformed),
        };
        let qos = match self.qos.present() {
            Some("0") => 0,
            Some("1") => 1,
            Some("2") => 2,
            _ => return Err(Deny::Malformed),
        };
        let retain = match (action, self.retain.present()) {
            (Action::Publish, Some("true")) => true,
            (Action::Publish, Some("false")) | (Action::Subscribe, _) => false,
            (Action::Publish, _) => return Err(Deny::Malformed),
        };
        let topic = self.topic.present().ok_or(Deny::Malformed)?;
        Ok(TopicRequest {
            action,
            topic,
            qos,
            retain,
        })
    }
}
