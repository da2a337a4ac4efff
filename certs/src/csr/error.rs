//! Every way in which a request can be wrong.

use super::MAX_CSR_BYTES;

/// Why a request was refused. Never repeats a part of it.
///
/// The sentence is for people; [`CsrError::code`] is stable and for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrError {
    /// Nothing but white space.
    #[error("the request is empty; send a PKCS#10 request in PEM or DER")]
    Empty,
    /// Over the limit.
    #[error("the request has {bytes} bytes and may have at most {MAX_CSR_BYTES}")]
    TooLarge {
        /// Bytes given.
        bytes: usize,
    },
    /// Neither PEM nor DER.
    #[error(
        "this is neither PEM (-----BEGIN CERTIFICATE REQUEST-----) nor DER of a PKCS#10 request"
    )]
    NotACsr,
    /// PEM of something else.
    #[error("the PEM block has another label than CERTIFICATE REQUEST")]
    Label,
    /// PEM of a private key: worth a warning of its own.
    #[error(
        "this is a private key, not a request; it has been sent over the wire, so treat it as \
         known to others and make a new one on the device"
    )]
    PrivateKey,
    /// A damaged PEM block.
    #[error("the PEM block is damaged: base64 in lines of 64 characters between BEGIN and END")]
    MalformedPem,
    /// Several PEM blocks.
    #[error("there is more than one PEM block; send exactly one request")]
    MoreThanOne,
    /// Something after the request.
    #[error("there is something after the request; send exactly one request and nothing else")]
    TrailingData,
    /// Not a PKCS#10 structure.
    #[error("the request is not well-formed DER of a PKCS#10 CertificationRequest (RFC 2986)")]
    MalformedDer,
    /// A version other than v1 (0).
    #[error("the request has another version than v1 (RFC 2986 section 4.1)")]
    Version,
    /// A key that is not on an elliptic curve.
    #[error("the key is not an elliptic curve key; a device's key is P-256 (prime256v1)")]
    KeyAlgorithm,
    /// Curve parameters written out, implicit or missing.
    #[error("the key names no curve; use the named curve prime256v1, not explicit parameters")]
    CurveParameters,
    /// Another named curve.
    #[error("the key is on another curve; a device's key is P-256 (prime256v1)")]
    Curve,
    /// Compressed or hybrid.
    #[error("the public key is compressed; send the point uncompressed")]
    PointForm,
    /// Not a point of P-256, or the identity.
    #[error("the public key is not a valid point of P-256")]
    Point,
    /// Signed by another algorithm.
    #[error("the request is not signed with ecdsa-with-SHA256; sign it with SHA-256")]
    SignatureAlgorithm,
    /// The proof of possession fails.
    #[error("the request's signature is not valid, so it does not prove possession of its key")]
    Signature,
}

impl CsrError {
    /// A stable word for programs, in snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "csr_empty",
            Self::TooLarge { .. } => "csr_too_large",
            Self::NotACsr => "csr_not_a_request",
            Self::Label => "csr_wrong_label",
            Self::PrivateKey => "csr_is_a_private_key",
            Self::MalformedPem => "csr_malformed_pem",
            Self::MoreThanOne => "csr_more_than_one",
            Self::TrailingData => "csr_trailing_data",
            Self::MalformedDer => "csr_malformed_der",
            Self::Version => "csr_unsupported_version",
            Self::KeyAlgorithm => "csr_unsupported_key_algorithm",
            Self::CurveParameters => "csr_unnamed_curve",
            Self::Curve => "csr_unsupported_curve",
            Self::PointForm => "csr_compressed_point",
            Self::Point => "csr_invalid_point",
            Self::SignatureAlgorithm => "csr_unsupported_signature_algorithm",
            Self::Signature => "csr_bad_signature",
        }
    }
}
