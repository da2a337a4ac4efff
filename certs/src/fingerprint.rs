//! What a certificate is known by: SHA-256 over the DER of the whole certificate.
//!
//! A fingerprint is printed in QR codes, so it identifies and never proves: nothing here treats
//! it as a secret, yet it is compared in constant time because one identity mode carries it in a
//! password field. Parsing never allocates: the hooks do it on their hot path.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Characters of the short written form: two hexadecimal digits a byte.
const PLAIN_CHARS: usize = 64;
/// Characters of the long written form: the same with a colon between bytes.
const COLON_CHARS: usize = 95;

/// SHA-256 over a certificate's DER.
///
/// Read in any case, with all colons or none; written as upper-case hexadecimal with colons, as
/// `openssl x509 -fingerprint -sha256` does.
#[derive(Clone, Copy)]
pub struct Fingerprint([u8; Self::LEN_BYTES]);

impl Fingerprint {
    /// Length in bytes.
    pub const LEN_BYTES: usize = 32;

    /// The fingerprint of a certificate given as DER, without looking into it.
    pub fn of_der(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// The fingerprint that the database holds as 32 bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN_BYTES]) -> Self {
        Self(bytes)
    }

    /// The fingerprint in a slice, or nothing if it is not exactly 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN_BYTES] {
        &self.0
    }

    /// Reads 64 hexadecimal digits, or 95 characters with a colon after each pair but the last.
    ///
    /// Any case; no white space; colons everywhere or nowhere. Does not allocate.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let text = text.as_bytes();
        let stride = match text.len() {
            PLAIN_CHARS => 2,
            COLON_CHARS => 3,
            chars => return Err(FingerprintError::Length { chars }),
        };
        let mut bytes = [0; Self::LEN_BYTES];
        for (index, (byte, pair)) in bytes.iter_mut().zip(text.chunks(stride)).enumerate() {
            let at = index * stride;
            if pair.get(2).is_some_and(|separator| *separator != b':') {
                return Err(FingerprintError::Separator { at: at + 2 });
            }
            let high = hex_digit(pair[0]).ok_or(FingerprintError::Digit { at })?;
            let low = hex_digit(pair[1]).ok_or(FingerprintError::Digit { at: at + 1 })?;
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

/// Why a text is not a fingerprint. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Neither of the two lengths.
    #[error(
        "a fingerprint is 64 hexadecimal digits, or 95 characters with colons, and this has \
         {chars} bytes"
    )]
    Length {
        /// Bytes given.
        chars: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error("a fingerprint is hexadecimal, and the character at position {at} is not")]
    Digit {
        /// Byte position, from 0.
        at: usize,
    },
    /// A long form with something other than a colon between two bytes.
    #[error("a fingerprint of 95 characters has a colon at position {at}")]
    Separator {
        /// Byte position, from 0.
        at: usize,
    },
}

/// The value of one hexadecimal digit of any case.
pub(crate) const fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        Self::parse(text)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut text = [b':'; COLON_CHARS];
        for (byte, pair) in self.0.iter().zip(text.chunks_mut(3)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xF)];
        }
        formatter.pad(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

impl ConstantTimeEq for Fingerprint {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Fingerprint {}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(test)]
mod tests;
