//! Every way in which issuing can be refused.

use time::OffsetDateTime;

use super::MAX_SERVER_NAMES;
use crate::sign::SignError;
use crate::{CaKind, MAX_CA_DAYS, MAX_LEAF_DAYS, NameError};

/// Why a certificate was not issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A name that breaks its grammar.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A device certificate asked of another authority than a device authority, and so on.
    #[error("this is the {has} authority; such a certificate comes from the {needs} authority")]
    Kind {
        /// The authority asked.
        has: CaKind,
        /// The one to ask.
        needs: CaKind,
    },
    /// Too short or too long.
    #[error("a certificate is issued for 1 to {MAX_LEAF_DAYS} days, not {days}")]
    Days {
        /// Days asked for.
        days: u16,
    },
    /// Too short or too long.
    #[error("an authority is made for 1 to {MAX_CA_DAYS} days, not {days}")]
    AuthorityDays {
        /// Days asked for.
        days: u16,
    },
    /// No name, or too many.
    #[error("a server certificate has 1 to {MAX_SERVER_NAMES} names, not {names}")]
    ServerNames {
        /// Names asked for.
        names: usize,
    },
    /// The issuing certificate has ended.
    #[error("the issuing certificate ended at {not_after}; make a new one with: certs init --add")]
    IssuerExpired {
        /// Its last second.
        not_after: OffsetDateTime,
    },
    /// The issuing certificate has not begun: this machine's clock is behind.
    #[error(
        "the issuing certificate begins at {not_before}, which is ahead of this machine's clock; \
         set the clock"
    )]
    IssuerNotYetValid {
        /// Its first second.
        not_before: OffsetDateTime,
    },
    /// Something went wrong inside.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl From<der::Error> for IssueError {
    fn from(error: der::Error) -> Self {
        Self::Sign(error.into())
    }
}
