//! Runs a listener's authentication chain for one CONNECT.
//!
//! Knows nothing of sockets or packets: it asks, reads the answers, and says how the connect ends.

use std::sync::Arc;

use crate::answer::authn::{AuthnOutcome, Grant, read};
use crate::client::ClientInfo;
use crate::clock::unix_seconds;
use crate::hook::{HookClient, RenderError, render};

/// How a chain ends.
#[derive(Debug)]
pub(crate) enum Authenticated {
    /// Let in.
    Allowed(Grant),
    /// CONNACK 0x87.
    NotAuthorized,
    /// CONNACK 0x86.
    BadCredentials,
    /// The connection is closed without a word: a password that no JSON body can carry (seen on
    /// 5.8.9).
    Unrenderable,
}

/// A chain of HTTP authenticators. Empty means that everybody is let in (emqx-verified #4).
#[derive(Debug, Default, Clone)]
pub(crate) struct AuthnChain {
    authenticators: Vec<Arc<HookClient>>,
}

impl AuthnChain {
    /// Makes a chain of pools in order.
    pub(crate) fn new(authenticators: Vec<Arc<HookClient>>) -> Self {
        Self { authenticators }
    }

    /// Asks one after the other until one decides.
    pub(crate) async fn authenticate(&self, client: &ClientInfo) -> Authenticated {
        if self.authenticators.is_empty() {
            return Authenticated::Allowed(Grant::default());
        }
        for authenticator in &self.authenticators {
            let request = match render(authenticator.source(), |name| client.authn(name)) {
                Ok(request) => request,
                Err(RenderError::NotText(field)) => {
                    tracing::info!(field, "a value of CONNECT is not UTF-8: closing");
                    return Authenticated::Unrenderable;
                }
                Err(error) => {
                    tracing::warn!(%error, "an authn request can't be rendered: ignored");
                    continue;
                }
            };
            match authenticator.call(request).await {
                Ok(answer) => match read(&answer, unix_seconds()) {
                    AuthnOutcome::Allow(grant) => return Authenticated::Allowed(grant),
                    AuthnOutcome::Deny => return Authenticated::NotAuthorized,
                    AuthnOutcome::BadCredentials => return Authenticated::BadCredentials,
                    AuthnOutcome::Ignore => {
                        tracing::debug!(status = answer.status, "an authn answer is ignored");
                    }
                },
                Err(error) => tracing::warn!(%error, client = client.client_id, "authn: ignored"),
            }
        }
        Authenticated::NotAuthorized
    }
}
