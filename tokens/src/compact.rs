//! One token in compact form (RFC 7515 section 7.1): split, measured, its header read.
//!
//! Nothing here is trusted yet. The header only chooses among the keys of a configured issuer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::TokenError;

/// A longer token is refused unread, in bytes. Keycloak's tokens of people with many roles have
/// about 4 KiB; a request's header section rarely passes more than 16 KiB anyway.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A longer key id is refused, in bytes.
pub(crate) const KEY_ID_BYTES_MAX: usize = 256;

/// A token, split.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    /// What is signed: the first two parts with the dot between them.
    pub signed: &'a [u8],
    /// The third part, still base64url.
    pub signature: &'a str,
    /// The header's fields that matter.
    pub header: Header,
    /// The claims, as JSON bytes.
    pub claims: Vec<u8>,
}

/// The fields of a header that are read. All others, `jwk` and `jku` among them, are not.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    /// The algorithm the token claims to be signed with: compared, never obeyed.
    pub alg: String,
    /// The kind of token.
    pub typ: Option<String>,
    /// Which of the issuer's keys signed it.
    pub kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// What kind of access token the header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `at+jwt` (RFC 9068 section 2.1).
    AccessToken,
    /// `JWT`, which Keycloak puts on everything: the claim `typ` must then say `Bearer`.
    Plain,
}

impl<'a> Compact<'a> {
    /// Splits a token and reads its header.
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if claims.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        Ok(Self {
            signed: signed.as_bytes(),
            signature,
            header,
            claims: decode(claims)?,
        })
    }
}

impl Header {
    /// The kind of token, if it may be an access token at all (RFC 8725 section 3.11).
    pub(crate) fn kind(&self) -> Result<Kind, TokenError> {
        let typ = self.typ.as_deref().ok_or(TokenError::Type)?;
        if typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt") {
            Ok(Kind::AccessToken)
        } else if typ.eq_ignore_ascii_case("JWT") {
            Ok(Kind::Plain)
        } else {
            Err(TokenError::Type)
        }
    }

    /// The key id, which must be given: a key is never tried because it happens to be there.
    pub(crate) fn key_id(&self) -> Result<&str, TokenError> {
        self.kid
            .as_deref()
            .filter(|id| !id.is_empty() && id.len() <= KEY_ID_BYTES_MAX)
            .ok_or(TokenError::UnknownKey)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!(
            "{}.{}.AAAA",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode("{}")
        )
    }

    #[test]
    fn anything_but_three_parts_of_base64url_is_malformed() {
        for bad in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c.d",
            "e30.e30",
            "e30=.e30.x",
            "é.e30.x",
        ] {
            assert_eq!(
                Compact::parse(bad).unwrap_err(),
                TokenError::Malformed,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_token_over_the_limit_is_refused_unread() {
        let long = "a".repeat(TOKEN_BYTES_MAX + 1);
        assert_eq!(Compact::parse(&long).unwrap_err(), TokenError::TooLong);
    }

    #[test]
    fn a_critical_extension_is_refused() {
        let bad = token(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#);
        assert_eq!(Compact::parse(&bad).unwrap_err(), TokenError::Critical);
    }

    #[test]
    fn only_the_types_of_access_tokens_are_accepted() {
        let kind = |header: &str| Compact::parse(&token(header)).unwrap().header.kind();
        assert_eq!(
            kind(r#"{"alg":"ES256","typ":"at+jwt"}"#),
            Ok(Kind::AccessToken)
        );
        assert_eq!(
            kind(r#"{"alg":"ES256","typ":"application/AT+JWT"}"#),
            Ok(Kind::AccessToken)
        );
        assert_eq!(kind(r#"{"alg":"ES256","typ":"JWT"}"#), Ok(Kind::Plain));
        assert_eq!(kind(r#"{"alg":"ES256"}"#), Err(TokenError::Type));
        assert_eq!(
            kind(r#"{"alg":"ES256","typ":"logout+jwt"}"#),
            Err(TokenError::Type)
        );
    }

    #[test]
    fn a_key_id_must_be_given_and_short() {
        let header = |kid: &str| format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
        let long = token(&header(&"k".repeat(KEY_ID_BYTES_MAX + 1)));
        assert!(Compact::parse(&long).unwrap().header.key_id().is_err());
        assert!(
            Compact::parse(&token(&header("")))
                .unwrap()
                .header
                .key_id()
                .is_err()
        );
        assert!(
            Compact::parse(&token(r#"{"alg":"ES256"}"#))
                .unwrap()
                .header
                .key_id()
                .is_err()
        );
        assert_eq!(
            Compact::parse(&token(&header("a")))
                .unwrap()
                .header
                .key_id(),
            Ok("a")
        );
    }
}
