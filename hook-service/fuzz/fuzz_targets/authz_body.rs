//! No body lets anything through but the device's own topics.
#![no_main]

use hook_service::endpoints::{Hooks, lets_topic_through};
use hook_service_fuzz::{DEVICE, hooks};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static HOOKS: LazyLock<Hooks> = LazyLock::new(hooks);

fuzz_target!(|body: &[u8]| {
    if lets_topic_through(&HOOKS, body) {
        let text = std::str::from_utf8(body).expect("only UTF-8 is let through");
        let own = format!("{DEVICE}/");
        assert!(text.contains('\\') || text.contains(&own), "let through without an own topic");
    }
});
