//! Access tokens of people and machines: issuers, signing keys, token to caller.
//!
//! A [`Verifier`] knows a list of OIDC issuers. It finds each one's signing keys by
//! discovery, keeps them fresh behind the requests, and turns an access token into a [`Caller`].
//! It never trusts what a token says about how to check itself: the algorithm follows from the key,
//! the key from the configured issuer, and `jku`, `jwk`, `x5u`, `x5c` of a header are not read.
//!
//! It never decides what a caller may do, never stores a token (a cache holds SHA-256 hashes of
//! tokens that were found good) and never writes one to a log or an error.
//!
//! Read next: [`verifier`], then [`compact`] and [`claims`] for the rules of one token.

pub use caller::{Caller, Person};
pub use error::TokenError;
pub use issuer_url::{IssuerUrl, IssuerUrlError};
pub use verifier::{Limits, Verifier};

mod caller;
mod claims;
mod compact;
mod discovery;
mod error;
mod http;
mod issuer;
mod issuer_url;
mod keys;
pub mod verifier;
