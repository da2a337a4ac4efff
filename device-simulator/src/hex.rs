//! Bytes as hexadecimal text.

use std::fmt::Write;

/// Lower-case, two digits a byte.
pub(crate) fn lower(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Upper-case with colons, as fingerprints are printed everywhere.
pub(crate) fn colons(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (position, byte) in bytes.iter().enumerate() {
        let colon = if position == 0 { "" } else { ":" };
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_keep_leading_zeros() {
        assert_eq!(lower(&[0, 0xab, 7]), "00ab07");
        assert_eq!(colons(&[0, 0xab, 7]), "00:AB:07");
        assert_eq!(colons(&[]), "");
    }
}
