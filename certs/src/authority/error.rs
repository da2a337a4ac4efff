//! Every way in which an authority can't be used.

use std::io;
use std::path::PathBuf;

use crate::{CertificateError, KeyError, KeyFileError};

/// Why a certificate and a key are not an authority. Never repeats a part of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate file is damaged.
    #[error("the certificate file {}: {error}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// The operating system refused the certificate file.
    #[error("the certificate file {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The certificate belongs to another key.
    #[error("the key does not belong to the certificate of {subject}; give the pair made together")]
    Mismatch {
        /// The certificate's subject.
        subject: String,
    },
    /// The certificate may not issue.
    #[error(
        "the certificate of {subject} may not sign certificates and revocation lists; \
         an authority has basicConstraints CA:TRUE and keyUsage keyCertSign, cRLSign"
    )]
    NotAnAuthority {
        /// The certificate's subject.
        subject: String,
    },
}
