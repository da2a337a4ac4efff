//! Every way in which the PKI folder can't be used.

use std::io;
use std::path::PathBuf;

use super::MAX_AUTHORITIES;
use crate::{AuthorityError, IssueError, KeyFileError};

/// Why a step in the PKI folder failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiFolderError {
    /// No authority of this name is there.
    #[error(
        "there is no {stem}.pem in {dir}; make it with: certs init --dir {dir}",
        dir = dir.display()
    )]
    NoAuthority {
        /// The folder.
        dir: PathBuf,
        /// File name without its ending.
        stem: String,
    },
    /// A certificate is there and its key is needed and is not.
    #[error(
        "the key {} is not there; \
         put it back (mode 0600) for as long as it is needed",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A leaf that was to be kept has ended.
    #[error(
        "the certificate {} has ended; \
         make a new one for the same key with --renew",
        path.display()
    )]
    LeafEnded {
        /// The file.
        path: PathBuf,
    },
    /// A leaf that was to be kept says something else than was asked for.
    #[error(
        "the certificate {} does not have the names asked for; \
         make a new one for the same key with --renew",
        path.display()
    )]
    LeafNames {
        /// The file.
        path: PathBuf,
    },
    /// A leaf that was to be kept belongs to another key.
    #[error(
        "the certificate {} belongs to another key than the one beside it; \
         make a new one with --renew",
        path.display()
    )]
    LeafKey {
        /// The file.
        path: PathBuf,
    },
    /// Over the limit.
    #[error("there are already {MAX_AUTHORITIES} authorities of a kind; move old ones away")]
    TooMany,
    /// A certificate and its key.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A certificate was not issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The operating system refused.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

impl PkiFolderError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}
