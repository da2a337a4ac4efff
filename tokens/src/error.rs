//! Why a token is not accepted. The sentences are safe to show: none contains a part of a token.

/// Why a token did not become a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// More than [`crate::compact::TOKEN_BYTES_MAX`] bytes.
    #[error("the token is longer than 16384 bytes")]
    TooLong,
    /// Not three parts of base64url, or not JSON where JSON must be.
    #[error("the token is not a signed JWT in compact form")]
    Malformed,
    /// The header's `alg` is not the one its key is for (RFC 8725 section 3.1).
    #[error("the token is not signed with the algorithm of its issuer's key (RS256 or ES256)")]
    Algorithm,
    /// The header's `typ`, or Keycloak's claim `typ`, is not that of an access token.
    #[error("the token is not an access token")]
    Type,
    /// The header has `crit`; no extension is understood here (RFC 7515 section 4.1.11).
    #[error("the token's header demands an extension that is not supported")]
    Critical,
    /// `iss` is none of the configured issuers.
    #[error("the token's issuer is not one of the configured issuers")]
    UnknownIssuer,
    /// The issuer has no key of this id, as far as is known now.
    #[error("the token's signing key is not among its issuer's keys")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `aud` does not name this service.
    #[error("the token is not meant for this audience")]
    Audience,
    /// A claim is missing or has a wrong shape; the name of the claim.
    #[error("the token's claim `{0}` is missing or has a wrong shape")]
    Claim(&'static str),
    /// The issuer's keys could not be fetched yet, or the last good ones are too old to use.
    #[error("the issuer's signing keys cannot be fetched at the moment")]
    KeysUnavailable,
}

impl TokenError {
    /// A stable word for metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::Critical => "critical",
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Audience => "audience",
            Self::Claim(_) => "claim",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}
