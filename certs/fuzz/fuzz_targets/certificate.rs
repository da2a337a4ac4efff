//! No certificate of a stranger makes what we ask of it panic.
//!
//! `cargo +nightly fuzz run certificate -- -max_len=20000`, best begun with a corpus of real ones.
#![no_main]

use certs::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for certificate in Certificate::read_all(bytes).into_iter().flatten() {
        let _ = (certificate.subject(), certificate.issuer());
        let _ = (certificate.common_name(), certificate.alternative_names());
        let _ = (certificate.not_before(), certificate.not_after());
        let _ = (certificate.public_key().is_ok(), certificate.crl_url());
        let _ = (certificate.is_ca(), certificate.is_client_leaf());
        assert!(!certificate.is_issued_by(&certificate) || certificate.public_key().is_ok());
    }
});
