//! No text makes parsing panic, and what is read is shown as the same digits.
#![no_main]

use certs::Fingerprint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(fingerprint) = Fingerprint::parse(text) {
        let digits = |text: &str| text.replace(':', "").to_ascii_uppercase();
        assert_eq!(digits(&fingerprint.to_string()), digits(text));
    }
});
