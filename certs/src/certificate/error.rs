//! Every way in which a certificate file can be wrong.

use super::{MAX_BUNDLE_CERTIFICATES, MAX_CERTIFICATE_FILE_BYTES};
use crate::SerialError;

/// Why something is not a certificate for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Over the limit.
    #[error(
        "the certificate file has {bytes} bytes and may have at most {MAX_CERTIFICATE_FILE_BYTES}"
    )]
    TooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// Over the limit.
    #[error("the file holds more than {MAX_BUNDLE_CERTIFICATES} certificates")]
    TooMany,
    /// Neither PEM nor DER.
    #[error("the file holds no certificate, neither PEM (-----BEGIN CERTIFICATE-----) nor DER")]
    NoCertificate,
    /// PEM of something else.
    #[error("the file holds a PEM block with another label than CERTIFICATE")]
    Label,
    /// A damaged PEM block.
    #[error("a PEM block of the file is damaged")]
    MalformedPem,
    /// Not the structure of RFC 5280.
    #[error("the certificate is not well-formed DER (RFC 5280): {0}")]
    Der(der::Error),
    /// A serial number that is zero or too long.
    #[error("the certificate's serial number can't be used: {0}")]
    Serial(SerialError),
    /// A key of another kind.
    #[error("the certificate's key is not an elliptic curve P-256 key")]
    NotP256,
}
