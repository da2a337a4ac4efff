//! The name of an authority's key: RFC 5280's 160-bit key identifier (section 4.2.1.2, method 1).
//!
//! What a certificate says about who signed it. An authority's name cannot tell: a rotated authority
//! may keep its name and have another key.

use std::fmt;

/// Length in bytes.
const BYTES: usize = 20;

/// An authority's key identifier. Written as 40 lower-case hexadecimal digits, read in any case and
/// with or without colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId([u8; BYTES]);

/// Why a text is not a key identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an authority's key identifier: 40 hexadecimal digits, with a colon after each pair or none"
)]
pub(crate) struct KeyIdError;

impl KeyId {
    /// Reads a key identifier.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyIdError> {
        let stride = match text.len() {
            40 => 2,
            59 => 3,
            _ => return Err(KeyIdError),
        };
        let text = text.as_bytes();
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks(stride)) {
            if pair.get(2).is_some_and(|colon| *colon != b':') {
                return Err(KeyIdError);
            }
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }

    /// The identifier in a slice, or nothing if it is not exactly 20 bytes long.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 20 bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn digit(byte: u8) -> Result<u8, KeyIdError> {
    let value = char::from(byte).to_digit(16).ok_or(KeyIdError)?;
    u8::try_from(value).map_err(|_| KeyIdError)
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_written_forms_are_read_and_one_is_written() {
        let plain = "00ff".repeat(10);
        let id = KeyId::parse(&plain).unwrap();
        assert_eq!(id.to_string(), plain);
        let colons = ["00:FF"; 10].join(":");
        assert_eq!(KeyId::parse(&colons), Ok(id));
        assert_eq!(KeyId::from_slice(id.as_bytes()), Some(id));
        assert_eq!(KeyId::from_slice(&[0; 21]), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let long = "0".repeat(41);
        let odd = format!("{}g", "0".repeat(39));
        let dashes = ["00-ff"; 10].join("-");
        let split = format!("{}é", "0".repeat(38));
        for bad in ["", "00", &long, &odd, &dashes, &split, &"+".repeat(40)] {
            assert_eq!(KeyId::parse(bad), Err(KeyIdError), "{bad}");
        }
    }
}
