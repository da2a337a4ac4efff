//! Every way in which a revocation list can't be made or read.

use super::{MAX_CRL_BYTES, MAX_CRL_DAYS, MAX_CRL_ENTRIES};
use crate::sign::SignError;

/// Why a list was not made, or is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// Over the limit.
    #[error(
        "a revocation list has at most {MAX_CRL_ENTRIES} entries, not {entries}; spread the \
         certificates over several distribution points"
    )]
    TooManyEntries {
        /// Entries given.
        entries: usize,
    },
    /// The next list is announced for a time that makes no sense.
    #[error("the next list comes 1 second to {MAX_CRL_DAYS} days after this one")]
    NextUpdate,
    /// Over the limit.
    #[error("a revocation list has at most {MAX_CRL_BYTES} bytes, not {bytes}")]
    TooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// Neither PEM nor DER of a list.
    #[error("this is not a revocation list in PEM (-----BEGIN X509 CRL-----) or DER (RFC 5280)")]
    Malformed,
    /// Something went wrong inside.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<der::Error> for CrlError {
    fn from(error: der::Error) -> Self {
        Self::Sign(error.into())
    }
}
