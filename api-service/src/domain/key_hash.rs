//! The beginning of a hash over a device's public key, as labels carry it.

use std::fmt;

use sha2::{Digest, Sha256};

/// Bytes of the SHA-256 that a label carries.
const BYTES: usize = 8;

/// What the text begins with.
const PREFIX: &str = "sha256-";

/// The first 8 bytes of the SHA-256 over a public key (SPKI in DER). Written as `sha256-` and 16
/// lower-case hexadecimal digits; it identifies a key and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyHash([u8; BYTES]);

/// Why a text is not such a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be sha256- and 16 hexadecimal digits")]
pub(crate) struct NotAKeyHash;

impl KeyHash {
    /// The hash of a key.
    pub(crate) fn of(public_key: &[u8]) -> Self {
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&Sha256::digest(public_key)[..BYTES]);
        Self(bytes)
    }

    /// Reads one.
    pub(crate) fn parse(text: &str) -> Result<Self, NotAKeyHash> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAKeyHash)?;
        let plain = digits.len() == 2 * BYTES && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).map_err(|_| NotAKeyHash)?;
        plain
            .then_some(Self(number.to_be_bytes()))
            .ok_or(NotAKeyHash)
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:016x}", u64::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written_and_nothing_else_is() {
        let hash = KeyHash::of(b"key");
        assert_eq!(KeyHash::parse(&hash.to_string()), Ok(hash));
        assert_ne!(KeyHash::of(b"other"), hash);
        for bad in [
            "",
            "sha256-",
            "0123456789abcdef",
            "sha256-0123456789abcde",
            "sha256-0123456789abcdef0",
            "sha256-+123456789abcdef",
            "sha256-0123456789abcdeg",
        ] {
            assert_eq!(KeyHash::parse(bad), Err(NotAKeyHash), "{bad}");
        }
    }
}
