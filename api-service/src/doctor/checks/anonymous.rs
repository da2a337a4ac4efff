//! Listeners that skip their chain.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&ANONYMOUS];

pub(super) static ANONYMOUS: Rule = Rule {
    code: "emqx_listener_anonymous",
    severity: Severity::Error,
    why: "with false everybody connects and no hook is asked; with quick_deny_anonymous clients that only have a certificate are refused",
    source: "5.3.0 to 6.3 read",
    mend: "listeners.<type>.<name>.enable_authn = true",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for listener in &broker.conf.listeners {
            if listener.enable_authn != "true" {
                let seen = format!("enable_authn = {}", listener.enable_authn);
                found.push(ANONYMOUS.at(broker.listener(listener), seen));
            }
        }
    }
    found
}
