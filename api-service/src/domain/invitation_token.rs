//! What lets its first holder into an organization.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// 256 random bits. It is never printed: it has no `Debug` that shows them.
pub(crate) struct InvitationToken([u8; 32]);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the token of an invitation: 43 letters, digits, `-` and `_`")]
pub(crate) struct NotAToken;

impl InvitationToken {
    /// A new one.
    pub(crate) fn from_random(bits: [u8; 32]) -> Self {
        Self(bits)
    }

    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAToken> {
        if text.len() != 43 {
            return Err(NotAToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAToken)?;
        bytes.try_into().map(Self).map_err(|_| NotAToken)
    }

    /// Its text, for the one who is to pass it on.
    pub(crate) fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored of it. Without salt: nobody guesses 256 bits, and it is looked up by this.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_text() {
        let token = InvitationToken::from_random([0xfb; 32]);
        let read = InvitationToken::parse(&token.reveal()).ok().unwrap();
        assert_eq!(read.hash(), token.hash());
        assert_ne!(token.hash(), InvitationToken::from_random([0; 32]).hash());
        let long = "A".repeat(44);
        // 43 characters hold two bits more than 256; they must be zero.
        let loose = format!("{}B", "A".repeat(42));
        for bad in ["", &long, &loose, &"+".repeat(43), &"A".repeat(42)] {
            assert!(InvitationToken::parse(bad).is_err(), "{bad}");
        }
    }
}
