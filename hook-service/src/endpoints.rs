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
pub use self::hook::Hook;
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

impl Hooks {
    /// Reads the body of a request that may be looked at: it carries the secret where one is set,
    /// and there is time. The body is read even if not, so that the connection can go on.
    async fn admit<B>(&self, request: Request<B>, watch: &Watch) -> Result<Bytes, Deny>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, body) = request.into_parts();
        let body = watch.body(body).await?;
        if !watch.may_decide() {
            self.overload.has_shed_one();
            return Err(Deny::Overload);
        }
        self.overload.begins();
        secret::check(self, &head.headers)?;
        Ok(body)
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

    fn context(&self) -> Context<'_> {
        Context {
            fleet: &self.fleet,
            policy: &self.policy,
            unix_now: (self.unix_now)(),
        }
    }
}

/// Answers one request. Never fails: what cannot be answered is denied.
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
    let decided = match hook {
        Hook::AuthnDevice => authn::handle(hooks, watch, request, authn_device).await,
        Hook::AuthnService => authn::handle(hooks, watch, request, authn_service).await,
        Hook::AuthnPerson => {
            let tokens = hooks.tokens.as_deref();
            authn::handle(hooks, watch, request, |connect, context| {
                authn_person(connect, context, tokens)
            })
            .await
        }
        Hook::Authz => authz::handle(hooks, watch, request).await,
        // The bare /authn of the global chain ends here too: a listener without a chain of its own
        // must let nobody in.
        Hook::Other => match watch.body(request.into_body()).await {
            Ok(_) => Err(Deny::NoSuchHook),
            Err(deny) => Err(deny),
        },
    };
    if decided.is_ok() {
        watch.note_allow();
    }
    Ok(finish(hooks, hook, start, decided))
}

/// The last step of every hook: counts and answers.
fn finish(
    hooks: &Hooks,
    hook: Hook,
    start: Instant,
    decided: Result<Allow, Deny>,
) -> Response<Full<Bytes>> {
    let denied = decided.as_ref().err().copied();
    hooks.metrics.decided(hook, denied, start.elapsed());
    if let Some(reason) = denied {
        tracing::debug!(hook = hook.as_str(), reason = reason.as_str(), "denied");
    }
    answer::response(decided)
}
