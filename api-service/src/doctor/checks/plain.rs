//! Listeners without TLS.

use emqx_config::contract;

use crate::doctor::facts::{Facts, Kind};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PLAIN, &PEOPLE, &UNKNOWN];

pub(super) static PLAIN: Rule = Rule {
    code: "emqx_listener_plain",
    severity: Severity::Error,
    why: "there is no client certificate, and passwords and telemetry cross the network in the clear",
    source: "5.8.9 loaded: tcp 1883 and ws 8083 are open by default",
    mend: "listeners.<type>.<name>.enable = false",
};

pub(super) static PEOPLE: Rule = Rule {
    code: "emqx_people_listener_plain",
    severity: Severity::Note,
    why: "people's tokens come over plain WebSocket, which is right only behind an ingress that ends TLS and is the only way to the port",
    source: "5.8.9 seen",
    mend: "publish the port to the ingress alone, as compose.yaml and k8s/ do",
};

pub(super) static UNKNOWN: Rule = Rule {
    code: "emqx_listener_unknown",
    severity: Severity::Warning,
    why: "a listener of a kind that these checks do not know may let people in who meet no check of ours",
    source: "QUIC hides client certificates from the hooks before 6.x, read",
    mend: "listeners.<type>.<name>.enable = false",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for listener in &broker.conf.listeners {
            let place = broker.listener(listener);
            let people = listener.asks(contract::PATH_AUTHN_PERSON);
            match listener.kind {
                Kind::Tcp => found.push(PLAIN.at(place, "MQTT over plain TCP is enabled")),
                Kind::Ws if people => found.push(PEOPLE.at(place, "WebSocket without TLS")),
                Kind::Ws => found.push(PLAIN.at(place, "plain WebSocket is enabled")),
                Kind::Other => found.push(UNKNOWN.at(place, "its kind is not known")),
                Kind::Ssl | Kind::Wss => {}
            }
        }
    }
    found
}
