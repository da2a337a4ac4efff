//! Reading and writing fingerprints.

use proptest::prelude::*;

use super::{Fingerprint, FingerprintError};

const SHOWN: &str = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:\
                     95:99:1B:78:52:B8:55";

#[test]
fn a_fingerprint_is_shown_in_upper_case_with_colons() {
    assert_eq!(Fingerprint::of_der(b"").to_string(), SHOWN);
    assert_eq!(
        format!("{:?}", Fingerprint::of_der(b"")),
        format!("Fingerprint({SHOWN})")
    );
}

#[test]
fn other_lengths_are_refused() {
    for text in [
        "",
        "E3",
        &SHOWN[..94],
        &format!("{SHOWN}0"),
        &"0".repeat(63),
        &"0".repeat(65),
    ] {
        assert_eq!(
            Fingerprint::parse(text),
            Err(FingerprintError::Length { chars: text.len() })
        );
    }
}

#[test]
fn half_of_the_colons_is_refused() {
    let text = SHOWN.replacen(':', "0", 1);
    assert_eq!(
        Fingerprint::parse(&text),
        Err(FingerprintError::Separator { at: 2 })
    );
}

#[test]
fn a_character_of_two_bytes_is_refused_and_not_split() {
    let text = format!("{}é", "0".repeat(62));
    assert_eq!(
        Fingerprint::parse(&text),
        Err(FingerprintError::Digit { at: 62 })
    );
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back_in_any_case_with_or_without_colons(bytes: [u8; 32]) {
        let fingerprint = Fingerprint::from_bytes(bytes);
        let shown = fingerprint.to_string();
        for text in [shown.clone(), shown.to_lowercase(), shown.replace(':', ""),
            shown.to_lowercase().replace(':', "")] {
            prop_assert_eq!(Fingerprint::parse(&text), Ok(fingerprint));
        }
    }

    #[test]
    fn only_hexadecimal_digits_are_read(text in "[0-9A-Fa-fg-zG-Z :]{64}") {
        let hexadecimal = text.bytes().all(|c| c.is_ascii_hexdigit());
        prop_assert_eq!(Fingerprint::parse(&text).is_ok(), hexadecimal);
    }

    #[test]
    fn no_text_makes_parsing_panic(text in ".{0,100}") {
        let _ = Fingerprint::parse(&text);
    }

    #[test]
    fn equality_is_equality_of_bytes(left: [u8; 32], right: [u8; 32]) {
        prop_assert_eq!(
            Fingerprint::from_bytes(left) == Fingerprint::from_bytes(right),
            left == right
        );
        prop_assert_eq!(Fingerprint::from_bytes(left), Fingerprint::from_bytes(left));
    }
}
