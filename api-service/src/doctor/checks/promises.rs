//! Settings of ours that weaken a promise on purpose.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&SERVE_KNOWN];

pub(super) static SERVE_KNOWN: Rule = Rule {
    code: "serve_known",
    severity: Severity::Warning,
    why: "replicas go on allowing devices they know without news from the database, so a revoke waits for each of them or for an admin",
    source: "HOOK_SERVE_KNOWN, design section 6",
    mend: "HOOK_SERVE_KNOWN=false",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    if facts.settings.serve_known {
        return vec![SERVE_KNOWN.at("HOOK_SERVE_KNOWN", "it is true")];
    }
    Vec::new()
}
