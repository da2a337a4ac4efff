//! What a denied client gets.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DENY_ACTION];

pub(super) static DENY_ACTION: Rule = Rule {
    code: "emqx_deny_disconnects",
    severity: Severity::Warning,
    why: "one denied publish ends the session, the device reconnects, and flapping detection bans it",
    source: "5.8.9 seen",
    mend: "authorization.deny_action = ignore",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let brokers = facts.brokers.iter();
    brokers
        .filter(|broker| broker.conf.authorization.deny_action.as_deref() == Some("disconnect"))
        .map(|broker| DENY_ACTION.at(&broker.name, "authorization.deny_action = disconnect"))
        .collect()
}
