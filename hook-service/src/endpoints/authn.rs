//! `POST /authn/…`: from a body to a decision, for all three kinds of clients.

use serde::Deserialize;

use super::body::Text;
use super::{Hooks, answer, body};
use crate::decide::{Connect, Context, Deny, Grant, authn_device};

/// What the authn templates of `emqx-config` send.
#[derive(Debug, Deserialize)]
struct Ask<'a> {
    #[serde(borrow, default)]
    clientid: Text<'a>,
    #[serde(borrow, default)]
    username: Text<'a>,
    #[serde(borrow, default)]
    password: Text<'a>,
    #[serde(borrow, default)]
    cert_common_name: Text<'a>,
    #[serde(borrow, default)]
    cert_pem: Text<'a>,
}

/// Decides with `rule`, which is the kind's own.
pub(super) fn decide(
    hooks: &Hooks,
    body: &[u8],
    rule: impl for<'a> Fn(&Connect<'a>, &Context<'_>) -> Result<Grant<'a>, Deny>,
) -> Result<answer::Allow, Deny> {
    hooks.decide_until_settled(|| decide_body(hooks, body, &rule))
}

/// Whether this body lets a device connect, the lease aside: what a fuzz target asks.
pub fn lets_device_connect(hooks: &Hooks, body: &[u8]) -> bool {
    decide_body(hooks, body, authn_device).is_ok()
}

fn decide_body(
    hooks: &Hooks,
    body: &[u8],
    rule: impl for<'a> Fn(&Connect<'a>, &Context<'_>) -> Result<Grant<'a>, Deny>,
) -> Result<answer::Allow, Deny> {
    let ask: Ask<'_> = body::parse(body)?;
    let connect = Connect {
        client_id: ask.clientid.present(),
        username: ask.username.present(),
        password: ask.password.present(),
        cert_common_name: ask.cert_common_name.present(),
        cert_pem: ask.cert_pem.present(),
    };
    rule(&connect, &hooks.context()).map(|grant| answer::Allow::connect(&grant))
}
