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

use crate::fleet::Reader;

pub use self::authn_person::Tokens;

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
