//! What a stranger gets at the broker's door.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&ADMITS];

pub(super) static ADMITS: Rule = Rule {
    code: "listener_admits_strangers",
    severity: Severity::Error,
    why: "a client that showed no certificate was not turned away after the handshake",
    source: "seen by connecting",
    mend: "ssl_options.verify = verify_peer and ssl_options.fail_if_no_peer_cert = true",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let met = facts.listeners.iter();
    met.filter(|listener| listener.admits_without_certificate)
        .map(|listener| ADMITS.at(&listener.address, "the connection stayed open"))
        .collect()
}
