//! Revocation lists (RFC 5280 section 5): what they say, signed, numbered, in PEM and DER.
//!
//! Which certificates belong to which list is the caller's affair: a list is made for an issuer
//! and, when the caller shards, for one distribution point.

mod entry;
mod error;
mod list;
mod sign;
mod url;

pub use self::entry::{RevocationReason, RevokedEntry};
pub use self::error::CrlError;
pub use self::list::{MAX_CRL_BYTES, RevocationList};
pub use self::sign::CrlSpec;
pub use self::url::{CrlUrl, CrlUrlError, MAX_CRL_URL_CHARS};

/// Most entries of one list, which then has about 4 MB; EMQX may fetch it during a handshake.
pub const MAX_CRL_ENTRIES: usize = 100_000;
/// Longest time from one list to the next, in days.
pub const MAX_CRL_DAYS: u16 = 366;
