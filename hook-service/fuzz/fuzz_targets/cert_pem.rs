//! No certificate field lets anybody in but the device's own certificate, and none panics.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hook_service::decide::{Connect, Context, authn_device};
use hook_service::endpoints::Hooks;
use hook_service_fuzz::{DER, DEVICE, hooks};
use libfuzzer_sys::fuzz_target;

static HOOKS: LazyLock<Hooks> = LazyLock::new(hooks);

fuzz_target!(|field: &str| {
    let connect = Connect {
        client_id: Some(DEVICE),
        username: Some(DEVICE),
        password: Some(field),
        cert_common_name: Some(DEVICE),
        cert_pem: Some(field),
    };
    let unix_now = 1_800_000_000;
    let context = Context { fleet: &HOOKS.fleet, policy: &HOOKS.policy, unix_now };
    if authn_device(&connect, &context).is_ok() {
        assert_eq!(STANDARD.decode(field).as_deref(), Ok(DER));
    }
});
