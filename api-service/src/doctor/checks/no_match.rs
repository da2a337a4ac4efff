//! What happens to a publish or subscribe that nobody decided.

use crate::doctor::facts::{Facts, Version};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&NO_MATCH];

pub(super) static NO_MATCH: Rule = Rule {
    code: "emqx_no_match_allow",
    severity: Severity::Error,
    why: "a time-out, a 403, a 500 or a malformed answer of the hook lets the client through",
    source: "5.8.9 seen; the default is allow up to 5.10 and deny from 6.0, read",
    mend: "authorization.no_match = deny",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let brokers = facts.brokers.iter();
    brokers
        .filter_map(|broker| {
            let seen = match broker.conf.authorization.no_match.as_deref() {
                Some("deny") => return None,
                Some(other) => format!("authorization.no_match = {other}"),
                None if broker.version >= Some(Version(6, 0, 0)) => return None,
                None => "authorization.no_match is absent".to_owned(),
            };
            Some(NO_MATCH.at(&broker.name, seen))
        })
        .collect()
}
