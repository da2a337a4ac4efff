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

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use service_kit::Secret;

use crate::decide::{Context, Deny, Policy, authn_device, authn_person, authn_service};
use crate::fleet::Reader;
use crate::metrics::Metrics;
use crate::overload::Overload;

pub use self::authn::lets_device_connect;
pub use self::authz::lets_topic_through;
pub use self::hook::Hook;

/// What the hooks share.
#[derive(Debug)]
pub struct Hooks {
    /// The fleet table.
    pub fleet: Reader,
    /// How to decide.
    pub policy: Policy,
    /// What every request must carry in `x-hook-secret`, if set.
    pub secret: Option<Secret>,
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
    async fn admit(&self, request: Request) -> Result<Bytes, Deny> {
        let (head, body) = request.into_parts();
        let body = body::read(body).await?;
        if self.overload.is_shedding() {
            return Err(Deny::Overload);
        }
        secret::check(self, &head.headers)?;
        Ok(body)
    }

    fn context(&self) -> Context<'_> {
        Context {
            fleet: &self.fleet,
            policy: &self.policy,
            unix_now: (self.unix_now)(),
        }
    }
}

/// The routes of the hooks' listener.
pub fn router(hooks: Arc<Hooks>) -> Router {
    Router::new()
        .route(Hook::AuthnDevice.path(), post(device).fallback(nobody))
        .route(Hook::AuthnService.path(), post(service).fallback(nobody))
        .route(Hook::AuthnPerson.path(), post(person).fallback(nobody))
        .route(Hook::Authz.path(), post(authz).fallback(nobody))
        // The bare /authn of the global chain ends here too: a listener without a chain of its own
        // must let nobody in.
        .fallback(nobody)
        .with_state(hooks)
}

async fn device(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let start = Instant::now();
    let decided = authn::handle(&hooks, request, authn_device).await;
    finish(&hooks, Hook::AuthnDevice, start, decided)
}

async fn service(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let start = Instant::now();
    let decided = authn::handle(&hooks, request, authn_service).await;
    finish(&hooks, Hook::AuthnService, start, decided)
}

async fn person(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let start = Instant::now();
    let decided = authn::handle(&hooks, request, authn_person).await;
    finish(&hooks, Hook::AuthnPerson, start, decided)
}

async fn authz(State(hooks): State<Arc<Hooks>>, request: Request) -> Response {
    let start = Instant::now();
    let decided = authz::handle(&hooks, request).await;
    finish(&hooks, Hook::Authz, start, decided)
}

async fn nobody(State(hooks): State<Arc<Hooks>>) -> Response {
    finish(&hooks, Hook::Other, Instant::now(), Err(Deny::NoSuchHook))
}

/// The last step of every hook: an allow leaves only if the table may still be trusted now.
fn finish(
    hooks: &Hooks,
    hook: Hook,
    start: Instant,
    decided: Result<answer::Allow, Deny>,
) -> Response {
    let now = Instant::now();
    let standing = hooks.fleet.standing(now);
    let decided = decided.and_then(|allow| hooks.policy.may_allow(standing).map(|()| allow));
    let denied = decided.as_ref().err().copied();
    hooks
        .metrics
        .decided(hook, denied, now.duration_since(start));
    if let Some(reason) = denied {
        tracing::debug!(hook = hook.as_str(), reason = reason.as_str(), "denied");
    }
    answer::response(decided)
}
