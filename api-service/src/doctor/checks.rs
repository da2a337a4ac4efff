//! Pure checks: facts in, findings out. One file for each subject, with its rules beside its code.

use super::facts::Facts;
use super::finding::{Finding, Rule};

mod anonymous;
mod caches;
mod certificates;
mod chain;
mod client_certificate;
mod deny_action;
mod durability;
mod features;
mod flapping;
mod gaps;
mod global_chain;
mod hook_pool;
mod hook_request;
mod hook_trust;
mod identity;
mod leases;
mod link;
mod no_match;
mod nodes;
mod outbox;
mod plain;
mod promises;
mod reach;
mod replicas;
mod rights;
mod role;
mod server;
mod sources;
mod strangers;
#[cfg(test)]
mod tests;
mod tls;
mod version;
mod zones;

/// A check and the rules that it may find broken.
type Check = (fn(&Facts) -> Vec<Finding>, &'static [&'static Rule]);

/// Every check, in the order of `docs/DOCTOR.md`.
static CHECKS: &[Check] = &[
    (gaps::look, gaps::RULES),
    (no_match::look, no_match::RULES),
    (deny_action::look, deny_action::RULES),
    (caches::look, caches::RULES),
    (sources::look, sources::RULES),
    (global_chain::look, global_chain::RULES),
    (chain::look, chain::RULES),
    (anonymous::look, anonymous::RULES),
    (plain::look, plain::RULES),
    (client_certificate::look, client_certificate::RULES),
    (tls::look, tls::RULES),
    (reach::look, reach::RULES),
    (flapping::look, flapping::RULES),
    (zones::look, zones::RULES),
    (hook_request::look, hook_request::RULES),
    (hook_pool::look, hook_pool::RULES),
    (hook_trust::look, hook_trust::RULES),
    (features::look, features::RULES),
    (version::look, version::RULES),
    (identity::look, identity::RULES),
    (nodes::look, nodes::RULES),
    (strangers::look, strangers::RULES),
    (certificates::look, certificates::RULES),
    (role::look, role::RULES),
    (rights::look, rights::RULES),
    (link::look, link::RULES),
    (durability::look, durability::RULES),
    (server::look, server::RULES),
    (leases::look, leases::RULES),
    (outbox::look, outbox::RULES),
    (replicas::look, replicas::RULES),
    (promises::look, promises::RULES),
];

/// Runs every check. The worst comes first; what is equally bad in a stable order.
pub(crate) fn run(facts: &Facts) -> Vec<Finding> {
    let mut found: Vec<Finding> = CHECKS.iter().flat_map(|(look, _)| look(facts)).collect();
    found.sort_by(|a, b| {
        let worst = b.rule.severity.cmp(&a.rule.severity);
        worst
            .then_with(|| a.rule.code.cmp(b.rule.code))
            .then_with(|| a.subject.cmp(&b.subject))
    });
    found
}

/// Every rule, in the order of the checks.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    CHECKS.iter().flat_map(|(_, rules)| rules.iter().copied())
}
