//! A small OIDC (`OpenID` Connect) issuer for development and tests; never for production.
//!
//! It makes its signing key (P-256, ES256) at start and keeps nothing: a restart forgets every key,
//! so every token it ever gave. Tokens have the shape of Keycloak's (`azp`, `realm_access`,
//! `resource_access`), the header type `at+jwt`, and end after five minutes.
//!
//! The library starts it inside a test ([`DevIssuer::start`]), mints any token a test needs
//! ([`DevIssuer::mint`], [`DevIssuer::sign`]), rotates keys and plays an outage.

pub use accounts::{Account, AccountFlag, Accounts, Kind};
pub use issuer::{DevIssuer, Options};

mod accounts;
mod endpoints;
pub mod files;
mod issuer;
mod keys;
mod secrets;

/// The audience of the tokens: what `API_TOKEN_AUDIENCE` is by default.
pub const AUDIENCE: &str = "iot-hub";
