//! Limits that stand behind the rights.

use emqx_config::contract;

use crate::doctor::facts::{Facts, Zone};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&WILDCARD, &SHARED, &IDENTITY];

pub(super) static WILDCARD: Rule = Rule {
    code: "emqx_zone_wildcards",
    severity: Severity::Warning,
    why: "devices and people use literal topics; an acl rule `a/+` also lets `a/#` pass, and this limit is what stands behind",
    source: "5.8.9 seen",
    mend: "zones.<zone>.mqtt.wildcard_subscription = false",
};

pub(super) static SHARED: Rule = Rule {
    code: "emqx_zone_shared",
    severity: Severity::Warning,
    why: "rules see a shared subscription without its `$share/g/`, so a device can take its own commands into a group",
    source: "5.8.9 seen",
    mend: "zones.<zone>.mqtt.shared_subscription = false",
};

pub(super) static IDENTITY: Rule = Rule {
    code: "emqx_identity_rewritten",
    severity: Severity::Error,
    why: "EMQX puts another client id or user name in the place of the client's own, so the hooks judge what the client never said",
    source: "5.8.9 seen; clientid_override from 5.8.3, read",
    mend: "remove peer_cert_as_clientid, peer_cert_as_username and clientid_override",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for listener in &broker.conf.listeners {
            // The services' zone alone has both, on purpose.
            if listener.asks(contract::PATH_AUTHN_SERVICE) {
                continue;
            }
            let seen = format!("it is allowed in zone {}", listener.zone);
            let told = broker.conf.zones.is_some();
            let allowed = |read: fn(&Zone) -> Option<bool>| {
                told && broker.conf.in_zone(&listener.zone, read).unwrap_or(true)
            };
            if allowed(|zone| zone.wildcard) {
                found.push(WILDCARD.at(broker.listener(listener), &seen));
            }
            if allowed(|zone| zone.shared) {
                found.push(SHARED.at(broker.listener(listener), &seen));
            }
        }
        let zones = broker.conf.zones.iter().flat_map(|zones| zones.values());
        for zone in zones.chain([&broker.conf.global]) {
            for key in &zone.identity_changed {
                found.push(IDENTITY.at(&broker.name, format!("{key} is set")));
            }
        }
    }
    found
}
