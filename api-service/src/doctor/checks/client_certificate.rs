//! Whether clients must show a certificate that is verified.

use emqx_config::contract;

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&VERIFY_NONE, &OPTIONAL];

pub(super) static VERIFY_NONE: Rule = Rule {
    code: "emqx_verify_none",
    severity: Severity::Error,
    why: "any certificate counts, also a self-made one with a device's name in it",
    source: "5.8.9 seen; the default, read in 5.3.0 to 6.3",
    mend: "ssl_options.verify = verify_peer",
};

pub(super) static OPTIONAL: Rule = Rule {
    code: "emqx_certificate_optional",
    severity: Severity::Error,
    why: "a client without a certificate gets through the handshake and as far as the hook",
    source: "5.8.9 seen; the default, read in 5.3.0 to 6.3",
    mend: "ssl_options.fail_if_no_peer_cert = true",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for listener in &broker.conf.listeners {
            // People show a token instead.
            if !listener.kind.is_tls() || listener.asks(contract::PATH_AUTHN_PERSON) {
                continue;
            }
            let place = broker.listener(listener);
            if !listener.verify_peer {
                found.push(VERIFY_NONE.at(&place, "ssl_options.verify is not verify_peer"));
            }
            if !listener.fail_if_no_peer_cert {
                let seen = "ssl_options.fail_if_no_peer_cert is not true";
                found.push(OPTIONAL.at(&place, seen));
            }
        }
    }
    found
}
