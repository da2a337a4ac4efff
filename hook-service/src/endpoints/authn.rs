//! `POST /authn/…`: from a body to a decision, for all three kinds of clients.

use bytes::Bytes;
use http::Request;
use http_body::Body;
use serde::Deserialize;

use super::body::Text;
use super::{Hooks, Watch, answer, body};
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

/// Decides with `decide`, which is the kind's own rule.
pub(super) async fn handle<B>(
    hooks: &Hooks,
    watch: &Watch,
    request: Request<B>,
    decide: impl for<'a> Fn(&Connect<'a>, &Context<'_>) -> Result<Grant<'a>, Deny>,
) -> Result<answer::Allow, Deny>
where
    B: Body<Data = Bytes> + Unpin,
{
    let body = hooks.admit(request, watch).await?;
    hooks.decide_until_settled(|| decide_body(hooks, &body, &decide))
}

/// Whether this body lets a device connect, the lease aside: what a fuzz target asks.
pub fn lets_device_connect(hooks: &Hooks, body: &[u8]) -> bool {
    decide_body(hooks, body, authn_device).is_ok()
}

fn decide_body(
    hooks: &Hooks,
    body: &[u8],
    decide: impl for<'a> Fn(&Connect<'a>, &Context<'_>) -> Result<Grant<'a>, Deny>,
) -> Result<answer::Allow, Deny> {
    let ask: Ask<'_> = body::parse(body)?;
    let connect = Connect {
        client_id: ask.clientid.present(),
        username: ask.username.present(),
        password: ask.password.present(),
        cert_common_name: ask.cert_common_name.present(),
        cert_pem: ask.cert_pem.present(),
    };
    decide(&connect, &hooks.context()).map(|grant| answer::Allow::connect(&grant))
}
