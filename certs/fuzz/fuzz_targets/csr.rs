//! No request makes the judge panic, and one that passes has a key of the one allowed form.
//!
//! `cargo +nightly fuzz run csr -- -max_len=9000`, best begun with a corpus of real requests.
#![no_main]

use certs::CheckedCsr;
use certs::csr::MAX_CSR_BYTES;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match CheckedCsr::parse(bytes) {
    Ok(csr) => {
        assert!(bytes.len() <= MAX_CSR_BYTES);
        assert_eq!(csr.public_key().der().len(), 91);
    }
    Err(error) => assert!(error.code().starts_with("csr_")),
});
