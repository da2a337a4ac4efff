//! Whether EMQX and the hooks know each other.

use emqx_config::contract;

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&UNVERIFIED, &SECRET, &PRECONDITION];

pub(super) static UNVERIFIED: Rule = Rule {
    code: "emqx_hook_unverified",
    severity: Severity::Error,
    why: "whoever answers at that address decides who connects",
    source: "5.8.9 read; verify_none is the default",
    mend: "ssl { enable = true, verify = verify_peer, cacertfile = ... }",
};

pub(super) static SECRET: Rule = Rule {
    code: "hook_secret_missing",
    severity: Severity::Error,
    why: "hook-service wants a shared secret that EMQX does not send, so it denies everybody",
    source: "5.8.9 seen; HOOK_SHARED_SECRET",
    mend: "headers { \"x-hook-secret\" = the value of HOOK_SHARED_SECRET } in every hook",
};

pub(super) static PRECONDITION: Rule = Rule {
    code: "emqx_hook_precondition",
    severity: Severity::Warning,
    why: "a hook whose precondition does not hold is skipped as if it had ignored the client",
    source: "5.9 to 6.3 read",
    mend: "remove precondition",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for hook in broker.conf.hooks().filter(|hook| hook.is_ours()) {
            let place = broker.hook(hook);
            if hook.tls_unverified {
                found.push(UNVERIFIED.at(&place, "ssl.enable without ssl.verify = verify_peer"));
            }
            let sends = hook.headers.contains_key(contract::SECRET_HEADER);
            if facts.settings.shared_secret == Some(true) && !sends {
                let seen = format!(
                    "HOOK_SHARED_SECRET is set, no {} here",
                    contract::SECRET_HEADER
                );
                found.push(SECRET.at(&place, seen));
            }
            if hook.precondition {
                found.push(PRECONDITION.at(&place, "precondition is set"));
            }
        }
    }
    found
}
