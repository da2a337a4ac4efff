//! Answers of the hooks that EMQX keeps.

use crate::doctor::facts::{Broker, Facts, Version};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&AUTHZ_CACHE, &NODE_CACHE];

pub(super) static AUTHZ_CACHE: Rule = Rule {
    code: "emqx_authz_cache",
    severity: Severity::Error,
    why: "publishes pass for a minute after rights were withdrawn, and denials stay as long",
    source: "5.8.9 seen; on by default, read in 5.3.0 to 6.3",
    mend: "authorization.cache.enable = false",
};

pub(super) static NODE_CACHE: Rule = Rule {
    code: "emqx_node_cache",
    severity: Severity::Error,
    why: "a revoked device comes back from the node's cache for up to a minute without a hook being asked",
    source: "5.9 to 6.3 read; on by default from 6.2.0",
    mend: "authentication_settings.node_cache.enable = false and authorization.node_cache.enable = false",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    facts.brokers.iter().flat_map(of_broker).collect()
}

fn of_broker(broker: &Broker) -> Vec<Finding> {
    let mut found = Vec::new();
    if broker.conf.authorization.cache != Some(false) {
        found.push(AUTHZ_CACHE.at(&broker.name, "authorization.cache.enable is not false"));
    }
    let on_by_default = broker.version >= Some(Version(6, 2, 0));
    for (key, value) in [
        ("authentication_settings", broker.conf.authn_node_cache),
        ("authorization", broker.conf.authorization.node_cache),
    ] {
        if value.unwrap_or(on_by_default) {
            let seen = format!("{key}.node_cache.enable is on");
            found.push(NODE_CACHE.at(&broker.name, seen));
        }
    }
    found
}
