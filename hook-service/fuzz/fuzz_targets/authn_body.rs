//! No body lets anybody in but one that carries the device's own certificate.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hook_service::endpoints::{Hooks, lets_device_connect};
use hook_service_fuzz::{DER, hooks};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static HOOKS: LazyLock<Hooks> = LazyLock::new(hooks);
static PROOF: LazyLock<String> = LazyLock::new(|| STANDARD.encode(DER));

fuzz_target!(|body: &[u8]| {
    if lets_device_connect(&HOOKS, body) {
        // Escapes may hide the proof from a plain search, so look only where there are none.
        let text = std::str::from_utf8(body).expect("only UTF-8 is let in");
        assert!(text.contains('\\') || text.contains(PROOF.as_str()), "let in without proof");
    }
});
