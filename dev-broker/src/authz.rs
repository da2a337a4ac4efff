//! Decides one publish, subscribe or will: superuser, then the client's `acl`, then the HTTP
//! sources, then `no_match` (contract 2.3). The authorization cache does not exist here.

use std::borrow::Cow;
use std::sync::Arc;

use crate::acl::{Action, ActionKind, Verdict};
use crate::answer::authz::read;
use crate::client::{ClientInfo, Protocol};
use crate::clock::unix_seconds;
use crate::hook::{HookClient, render};
use crate::peers::Peer;
use crate::settings::Authorization;

/// The authorization chain of a broker.
#[derive(Debug)]
pub(crate) struct Authorizer {
    sources: Vec<Arc<HookClient>>,
    no_match_allows: bool,
    deny_disconnects: bool,
}

impl Authorizer {
    /// Starts the pools of the sources.
    pub(crate) fn new(settings: &Authorization) -> Self {
        let sources = settings.sources.iter().cloned();
        Self {
            sources: sources
                .map(|source| Arc::new(HookClient::new(source)))
                .collect(),
            no_match_allows: settings.no_match_allows,
            deny_disconnects: settings.deny_disconnects,
        }
    }

    /// Whether a denied action ends the connection (`deny_action = disconnect`).
    pub(crate) fn deny_disconnects(&self) -> bool {
        self.deny_disconnects
    }

    /// Whether the client may.
    pub(crate) async fn allows(&self, peer: &Peer, action: Action<'_>) -> bool {
        let grant = peer.grant();
        if grant.is_superuser {
            return true;
        }
        if let Some(acl) = &grant.acl {
            if grant
                .expire_at
                .is_some_and(|second| unix_seconds() >= second)
            {
                return false;
            }
            match acl.check(peer.client(), &grant.client_attrs, action) {
                Verdict::Allow => return true,
                Verdict::Deny => return false,
                Verdict::NoMatch => {}
            }
        }
        for source in &self.sources {
            match self.ask(source, peer, action).await {
                Verdict::Allow => return true,
                Verdict::Deny => return false,
                Verdict::NoMatch => {}
            }
        }
        self.no_match_allows
    }

    async fn ask(&self, source: &HookClient, peer: &Peer, action: Action<'_>) -> Verdict {
        let request = render(source.source(), |name| value(peer, action, name));
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(%error, "an authz request can't be rendered: no match");
                return Verdict::NoMatch;
            }
        };
        match source.call(request).await {
            Ok(answer) => read(&answer),
            Err(error) => {
                tracing::warn!(%error, client = peer.client().client_id, "authz: no match");
                Verdict::NoMatch
            }
        }
    }
}

/// A value of an authz template. Numbers and flags are text; `cert_pem` is gone by now.
fn value<'v>(peer: &'v Peer, action: Action<'_>, name: &str) -> Option<Cow<'v, [u8]>> {
    let text = |value: &str| Some(Cow::Owned(value.as_bytes().to_vec()));
    let client: &ClientInfo = peer.client();
    match name {
        "topic" => text(action.topic),
        "action" => text(match action.kind {
            ActionKind::Publish => "publish",
            ActionKind::Subscribe => "subscribe",
        }),
        "access" => text(match action.kind {
            ActionKind::Subscribe => "1",
            ActionKind::Publish => "2",
        }),
        "qos" => text(&action.qos.to_string()),
        "retain" => text(if action.retain { "true" } else { "false" }),
        "proto_name" => text(match client.protocol {
            Protocol::V3(_) | Protocol::V5 => "mqtt",
        }),
        "mountpoint" | "cert_pem" => None,
        _ => client.common(&peer.grant().client_attrs, name),
    }
}
