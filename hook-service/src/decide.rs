//! Every decision, as a pure function of the request, the table, the policy and the time.
//!
//! Nothing here waits, writes, logs or knows HTTP. A request that does not prove everything is a
//! [`Deny`] with a reason; the reasons are for operators and never reach the client.

mod authn_device;
mod authn_person;
mod authn_service;
mod authz;
mod certificate;
mod client_id;
mod connect;
mod deny;
mod grant;
mod policy;
#[cfg(test)]
mod tests;

use std::time::Instant;

use crate::fleet::{Reader, Standing};

pub use self::authn_device::authn_device;
pub use self::authn_person::authn_person;
pub use self::authn_service::authn_service;
pub use self::authz::Authz;
pub use self::client_id::ClientId;
pub use self::connect::Connect;
pub use self::deny::Deny;
pub use self::grant::{Grant, Granted};
pub use self::policy::{IDENTITY_MODES, IdentityMode, Policy};

/// What a decision is made from, besides the request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The fleet table.
    pub fleet: &'a Reader,
    /// How this service is set up.
    pub policy: &'a Policy,
    /// For validity of certificates and the end of sessions, Unix seconds.
    pub unix_now: i64,
}

impl Context<'_> {
    /// Whether an allow may leave now. Asked after the decision, just before the answer is built.
    ///
    /// Whoever was allowed is in the table, so with `serve_known` staleness does not shut them out.
    pub fn may_allow(&self, now: Instant) -> Result<(), Deny> {
        match self.fleet.standing(now) {
            Standing::Fresh => Ok(()),
            Standing::Stale if self.policy.serve_known => Ok(()),
            Standing::Stale => Err(Deny::Stale),
            Standing::NotReady => Err(Deny::NotReady),
        }
    }
}
