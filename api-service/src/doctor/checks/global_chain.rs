//! The chain of listeners that have none of their own.

use emqx_config::contract;

use crate::doctor::facts::{Broker, Facts};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&EMPTY, &ADMITS];

pub(super) static EMPTY: Rule = Rule {
    code: "emqx_global_chain_empty",
    severity: Severity::Error,
    why: "on a listener without a chain of its own anybody connects and no hook is asked",
    source: "5.8.9 seen; 6.2.1 and later deny under the profile `hardened`, read",
    mend: "authentication = [ the http authenticator of the shipped file, path /authn, which always denies ]",
};

pub(super) static ADMITS: Rule = Rule {
    code: "emqx_global_chain_admits",
    severity: Severity::Error,
    why: "a listener that somebody adds without a chain lets in whoever this authenticator knows; only the path /authn always denies",
    source: "5.8.9 seen",
    mend: "authentication = [ the http authenticator of the shipped file, path /authn ] and nothing else",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    facts.brokers.iter().flat_map(of_broker).collect()
}

fn of_broker(broker: &Broker) -> Vec<Finding> {
    let chain = &broker.conf.global_chain;
    if !chain.iter().any(|hook| hook.enable) {
        return vec![EMPTY.at(&broker.name, "authentication has no enabled authenticator")];
    }
    let others = chain.iter().filter(|hook| {
        hook.enable && (hook.foreign.is_some() || hook.path() != contract::PATH_AUTHN_NONE)
    });
    others
        .map(|hook| ADMITS.at(&broker.name, hook.describe()))
        .collect()
}
