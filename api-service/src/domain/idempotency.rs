//! The key that makes a repeated request count once.

use sha2::{Digest, Sha256};

/// Most characters of a key.
const KEY_CHARS_MAX: usize = 128;

/// A caller's own name for one request, from the header `Idempotency-Key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(String);

/// Why a text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 visible ASCII characters")]
pub(crate) struct IdempotencyKeyError;

impl IdempotencyKey {
    /// Reads a key.
    pub(crate) fn parse(text: &str) -> Result<Self, IdempotencyKeyError> {
        let fits = (1..=KEY_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdempotencyKeyError)
        }
    }

    /// The key as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a repeated request must have in common with the first: a hash over its parts, each with its
/// length before it so that no two lists of parts look alike.
pub(crate) fn request_hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_visible() {
        assert!(IdempotencyKey::parse("enrol-1").is_ok());
        assert!(IdempotencyKey::parse(&"k".repeat(128)).is_ok());
        for bad in ["", "a b", "a\tb", "ключ", &"k".repeat(129)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parts_that_touch_are_told_apart() {
        assert_ne!(request_hash(&[b"ab", b"c"]), request_hash(&[b"a", b"bc"]));
        assert_ne!(request_hash(&[b"a"]), request_hash(&[b"a", b""]));
    }
}
