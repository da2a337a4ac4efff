//! The number by which an issuer and its revocation lists know a certificate.
//!
//! Positive and at most 20 bytes (RFC 5280 section 4.1.2.2). Ours are 128 random bits, so that
//! no counter has to be shared between the machines that sign.

use std::fmt;
use std::str::FromStr;

use rand::CryptoRng;
use x509_cert::serial_number::SerialNumber;

use crate::fingerprint::hex_digit;

/// Most bytes of a serial number.
const MAX_BYTES: usize = 20;
/// Bytes of the serial numbers that we give out.
const OWN_BYTES: usize = 16;

/// A certificate's serial number: positive, at most 20 bytes; ordered by value.
///
/// Written as upper-case hexadecimal without colons, as `openssl x509 -serial` does; read in any
/// case, with or without colons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; MAX_BYTES]);

impl Serial {
    /// Draws 128 random bits. The first byte is never 0, so the number always has 32 digits.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = [0; MAX_BYTES];
        let own = &mut bytes[MAX_BYTES - OWN_BYTES..];
        while own[0] == 0 {
            rng.fill_bytes(own);
        }
        Self(bytes)
    }

    /// The number in big-endian bytes; leading zero bytes carry no meaning.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SerialError> {
        let significant = bytes.trim_prefix_zeros();
        if significant.is_empty() {
            return Err(SerialError::Zero);
        }
        let mut padded = [0; MAX_BYTES];
        let start = MAX_BYTES
            .checked_sub(significant.len())
            .ok_or(SerialError::TooLong)?;
        padded[start..].copy_from_slice(significant);
        // With its highest bit set it would take a 21st byte, for the sign.
        if padded[0] > 0x7F {
            return Err(SerialError::TooLong);
        }
        Ok(Self(padded))
    }

    /// The number in big-endian bytes without leading zero bytes: 16 of them if we gave it out.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.trim_prefix_zeros()
    }

    /// The form that goes into a certificate or list.
    pub(crate) fn to_x509(self) -> SerialNumber {
        SerialNumber::new(self.as_bytes()).expect("positive and at most 20 bytes by construction")
    }
}

/// Cutting leading zero bytes off.
trait TrimPrefixZeros {
    fn trim_prefix_zeros(&self) -> &[u8];
}

impl TrimPrefixZeros for [u8] {
    fn trim_prefix_zeros(&self) -> &[u8] {
        let zeros = self.iter().take_while(|byte| **byte == 0).count();
        &self[zeros..]
    }
}

/// Why a text or some bytes are not a serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SerialError {
    /// Nothing, or zero.
    #[error("a serial number is positive; give at least one hexadecimal digit that is not 0")]
    Zero,
    /// More than 20 bytes with the sign.
    #[error("a serial number has at most 20 bytes, which are 40 hexadecimal digits up to 7FF..")]
    TooLong,
    /// Something other than hexadecimal digits and colons between pairs.
    #[error("a serial number is hexadecimal, like 5F3A09C1, with or without colons between pairs")]
    Digit,
}

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, SerialError> {
        if text.len() > 3 * MAX_BYTES {
            return Err(SerialError::TooLong);
        }
        let colons = text.contains(':');
        if colons && text.split(':').any(|pair| pair.len() != 2) {
            return Err(SerialError::Digit);
        }
        let digits: Vec<u8> = text
            .bytes()
            .filter(|character| *character != b':')
            .map(|character| hex_digit(character).ok_or(SerialError::Digit))
            .collect::<Result<_, _>>()?;
        let bytes: Vec<u8> = digits
            .rchunks(2)
            .rev()
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect();
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02X}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Serial({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{Serial, SerialError};

    proptest! {
        #[test]
        fn a_random_serial_has_sixteen_bytes_and_reads_back(seed: u64) {
            let serial = Serial::random(&mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(serial.as_bytes().len(), 16);
            prop_assert_eq!(serial.to_string().parse(), Ok(serial));
            prop_assert_eq!(Serial::from_bytes(serial.as_bytes()), Ok(serial));
            prop_assert_eq!(Serial::from_bytes(serial.to_x509().as_bytes()), Ok(serial));
        }

        #[test]
        fn serials_are_ordered_by_value(left in 1_u64.., right in 1_u64..) {
            let serial = |n: u64| Serial::from_bytes(&n.to_be_bytes()).expect("positive");
            prop_assert_eq!(serial(left).cmp(&serial(right)), left.cmp(&right));
        }

        #[test]
        fn no_text_makes_parsing_panic(text in ".{0,70}") {
            let _ = text.parse::<Serial>();
        }
    }

    #[test]
    fn zero_and_what_is_longer_than_twenty_bytes_are_refused() {
        assert_eq!("".parse::<Serial>(), Err(SerialError::Zero));
        assert_eq!("0000".parse::<Serial>(), Err(SerialError::Zero));
        assert_eq!("1".repeat(42).parse::<Serial>(), Err(SerialError::TooLong));
        assert_eq!(
            "1".repeat(4_000).parse::<Serial>(),
            Err(SerialError::TooLong)
        );
        assert_eq!("F".repeat(40).parse::<Serial>(), Err(SerialError::TooLong));
        assert!(
            "7".repeat(40)
                .parse::<Serial>()
                .is_ok_and(|s| s.to_x509().as_bytes().len() == 20)
        );
    }

    #[test]
    fn colons_are_read_between_pairs_only() {
        assert_eq!(
            "0a:FF".parse::<Serial>().map(|s| s.to_string()),
            Ok("0AFF".to_owned())
        );
        assert_eq!("a:FF".parse::<Serial>(), Err(SerialError::Digit));
        assert_eq!("0a:".parse::<Serial>(), Err(SerialError::Digit));
        assert_eq!("xy".parse::<Serial>(), Err(SerialError::Digit));
        assert_eq!(
            "5F3".parse::<Serial>().map(|s| s.to_string()),
            Ok("05F3".to_owned())
        );
    }
}
