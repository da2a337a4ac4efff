//! The hooks as EMQX sees them: HTTP in, HTTP out, and nothing decided here.
//!
//! Whatever comes, the answer is HTTP 200 with an explicit `result`. EMQX reads every other status
//! as "ignore", an empty body as "ignore" and a 204 as "allow" (5.3 to 6.3), so none of them ever
//! leaves this service. Which kind of client may ask comes from the path, never from the contents.

mod answer;
mod authn;
mod authz;
mod body;
mod hook;
mod secret;
#[cfg(test)]
mod tests;
mod watch;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use service_kit::Secret;

use self::answer::Allow;
use crate::decide::{Context, Deny, Policy, Tokens, authn_device, authn_person, authn_service};
use crate::fleet::Reader;
use crate::metrics::Metrics;
use crate::overload::Overload;

pub use self::authn::lets_device_connect;
pub use self::authz::lets_topic_through;
pub use self::body::BODY_BYTES_MAX;
pub use self::hook::Hook;
pub use self::secret::HEADER as SECRET_HEADER;
pub use self::watch::{Unread, Watch};

/// A decision takes microseconds, so a table that changes during so many in a row is not to be
/// waited for.
const DECISIONS_MAX: usize = 16;

/// What the hooks share.
#[derive(Debug)]
pub struct Hooks {
    /// The fleet table.
    pub fleet: Reader,
    /// How to decide.
    pub policy: Policy,
    /// What every request must carry in `x-hook-secret`, if set.
    pub secret: Option<Secret>,
    /// What checks people's tokens; without it no person is let in.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// Where decisions are counted.
    pub metrics: Arc<Metrics>,
    /// Whether to shed.
    pub overload: Arc<Overload>,
    /// The time, Unix seconds.
    pub unix_now: fn() -> i64,
}

/// What a hook was asked, with its body as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The hook.
    pub hook: Hook,
    /// The secret that came along, or nothing.
    pub secret: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// Where answers go: HTTP 200 with JSON.
pub trait Answer {
    /// Takes the body of an answer that was made at `unix_s`, Unix seconds.
    fn answer(&mut self, body: &[u8], unix_s: i64);
}

impl Hooks {
    /// Answers one request that [`Watch::may_decide`] let through. Never fails: what cannot be
    /// answered is denied.
    pub fn answer(&self, watch: &Watch, asked: &Asked<'_>, out: &mut impl Answer) {
        let start = Instant::now();
        let decided = self.decide(asked);
        self.count(asked.hook, start, &decided);
        if decided.is_ok() {
            watch.note_allow();
        }
        out.answer(answer::body(&decided), (self.unix_now)());
    }

    /// Decides a request that carries the secret where one is set.
    fn decide(&self, asked: &Asked<'_>) -> Result<Allow, Deny> {
        self.overload.begins();
        secret::check(self, asked.secret)?;
        match asked.hook {
            Hook::AuthnDevice => authn::decide(self, asked.body, authn_device),
            Hook::AuthnService => authn::decide(self, asked.body, authn_service),
            Hook::AuthnPerson => authn::decide(self, asked.body, |connect, context| {
                authn_person(connect, context, self.tokens.as_deref())
            }),
            Hook::Authz => authz::decide(self, asked.body),
            // The bare /authn of the global chain ends here too: a listener without a chain of its own
            // must let nobody in.
            Hook::Other => Err(Deny::NoSuchHook),
        }
    }

    /// Decides, and looks once more before the allow leaves: may the table still be trusted, and is
    /// it still the one that the decision was made from? If not, it is made again. So an allow that
    /// was decided before a change cannot leave after the change was told to be applied.
    fn decide_until_settled(
        &self,
        mut decide: impl FnMut() -> Result<Allow, Deny>,
    ) -> Result<Allow, Deny> {
        for _ in 0..DECISIONS_MAX {
            let edition = self.fleet.edition();
            let allow = decide()?;
            let standing = self.fleet.standing(Instant::now());
            self.policy.may_allow(standing)?;
            if self.fleet.edition() == edition {
                return Ok(allow);
            }
        }
        Err(Deny::Stale)
    }

    fn count(&self, hook: Hook, start: Instant, decided: &Result<Allow, Deny>) {
        let denied = decided.as_ref().err().copied();
        self.metrics.decided(hook, denied, start.elapsed());
        if let Some(reason) = denied {
            tracing::debug!(hook = hook.as_str(), reason = reason.as_str(), "denied");
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            fleet: &self.fleet,
            policy: &self.policy,
            unix_now: (self.unix_now)(),
        }
    }
}

/// Answers one request as the HTTP library gives it. Never fails: what cannot be answered is denied.
///
/// There are four paths and one method, so this is a comparison and not a router: measured, a
/// router's boxes cost as much as the decision.
pub async fn answer<B>(
    hooks: &Hooks,
    watch: &Watch,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: Body<Data = Bytes> + Unpin,
{
    let start = Instant::now();
    let hook = Hook::asked(request.method(), request.uri().path());
    let (head, body) = request.into_parts();
    // Read even if it is not looked at, so that the connection can go on.
    let decided = match watch.body(body).await {
        Ok(_) if !watch.may_decide() => {
            hooks.overload.has_shed_one();
            Err(Deny::Overload)
        }
        Ok(body) => {
            let secret = head.headers.get(SECRET_HEADER);
            hooks.decide(&Asked {
                hook,
                secret: secret.map_or(&[], |secret| secret.as_bytes()),
                body: &body,
            })
        }
        Err(deny) => Err(deny),
    };
    if decided.is_ok() {
        watch.note_allow();
    }
    hooks.count(hook, start, &decided);
    Ok(answer::response(decided))
}
