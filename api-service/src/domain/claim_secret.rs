//! The secret in a device's QR code, by which whoever holds the device proves it.
//!
//! It is made once, printed, and forgotten here: the database has its SHA-256. A secret of 256 random
//! bits needs no slower hash, since nobody can try them all.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

/// Fewest and most characters of a secret (product facts: `bindingToken`). Ours have 43.
const CHARS: std::ops::RangeInclusive<usize> = 16..=64;

/// A claim secret: 16 to 64 of the characters `A-Z a-z 0-9 _ -`. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct ClaimSecret(String);

/// Why a text is not a claim secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 16 to 64 of the characters A-Z a-z 0-9 _ -")]
pub(crate) struct NotAClaimSecret;

impl ClaimSecret {
    /// Makes one of random bytes.
    pub(crate) fn from_random(bytes: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAClaimSecret> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if CHARS.contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAClaimSecret)
        }
    }

    /// What is stored of it: SHA-256 over its characters.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// Whether this is the secret of a stored hash. Takes the same time for every wrong one.
    pub(crate) fn is_of(&self, hash: &[u8]) -> bool {
        self.hash().as_slice().ct_eq(hash).into()
    }
}

impl fmt::Debug for ClaimSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_recognised_by_its_hash_and_by_no_other() {
        let secret = ClaimSecret::from_random([7; 32]);
        assert!(secret.is_of(&secret.hash()));
        let other = ClaimSecret::from_random([8; 32]);
        assert!(!other.is_of(&secret.hash()));
        assert!(!secret.is_of(&secret.hash()[..31]) && !secret.is_of(&[]));
    }

    #[test]
    fn what_we_make_we_read_again_and_nothing_odd() {
        let made = ClaimSecret::from_random([255; 32]);
        assert_eq!(made.0.len(), 43);
        assert_eq!(ClaimSecret::parse(&made.0), Ok(made));
        for good in [16, 64] {
            assert!(ClaimSecret::parse(&"a".repeat(good)).is_ok());
        }
        for bad in [
            "",
            &"a".repeat(15),
            &"a".repeat(65),
            &"a/".repeat(10),
            &"é".repeat(10),
        ] {
            assert_eq!(ClaimSecret::parse(bad), Err(NotAClaimSecret), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_debug() {
        let secret = ClaimSecret::from_random([7; 32]);
        assert!(!format!("{secret:?}").contains(&secret.0[..8]));
    }
}
