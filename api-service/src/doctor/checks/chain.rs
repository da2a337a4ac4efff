//! Who is asked on each listener.

use emqx_config::contract;

use crate::doctor::facts::{Broker, Facts, Hook, Kind, Listener};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&WITHOUT, &FOREIGN, &PATH];

pub(super) static WITHOUT: Rule = Rule {
    code: "emqx_listener_without_authenticator",
    severity: Severity::Error,
    why: "the global chain answers for it: nobody can use the listener, or, where that chain is empty, everybody can",
    source: "5.8.9 seen",
    mend: "listeners.<type>.<name>.authentication = [ an http authenticator with the path of its kind ], or enable = false",
};

pub(super) static FOREIGN: Rule = Rule {
    code: "emqx_foreign_authenticator",
    severity: Severity::Error,
    why: "an authenticator beside the hook can let in whom the hook never saw, or was never asked about again",
    source: "5.3.0 to 6.3 read: the first that does not ignore decides",
    mend: "keep one http authenticator in the listener's chain",
};

pub(super) static PATH: Rule = Rule {
    code: "emqx_authenticator_path",
    severity: Severity::Error,
    why: "the path says which kind of client asks: devices and services need a required client certificate, and people a token",
    source: "design section 4; 5.8.9 seen: a WebSocket client under a device's id got its commands",
    mend: "url = .../authn/device or .../authn/service on an ssl listener with verify_peer and fail_if_no_peer_cert, .../authn/person on ws or wss",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let all = facts.brokers.iter();
    all.flat_map(|broker| {
        let listeners = broker.conf.listeners.iter();
        listeners.flat_map(|listener| of_listener(broker, listener))
    })
    .collect()
}

fn of_listener(broker: &Broker, listener: &Listener) -> Vec<Finding> {
    let asked: Vec<&Hook> = listener.chain.iter().filter(|hook| hook.enable).collect();
    let place = broker.listener(listener);
    if asked.is_empty() {
        return vec![WITHOUT.at(place, "it has no enabled authenticator of its own")];
    }
    let mut found = Vec::new();
    for hook in &asked {
        if hook.foreign.is_some() {
            found.push(FOREIGN.at(&place, hook.describe()));
        } else if !fits(listener, hook.path()) {
            found.push(PATH.at(&place, hook.describe()));
        }
    }
    if asked.len() > 1 && found.is_empty() {
        let seen = format!("it has {} authenticators", asked.len());
        found.push(FOREIGN.at(place, seen));
    }
    found
}

fn fits(listener: &Listener, path: &str) -> bool {
    match path {
        contract::PATH_AUTHN_DEVICE | contract::PATH_AUTHN_SERVICE => listener.kind == Kind::Ssl,
        contract::PATH_AUTHN_PERSON => matches!(listener.kind, Kind::Ws | Kind::Wss),
        contract::PATH_AUTHN_NONE => true,
        _ => false,
    }
}
