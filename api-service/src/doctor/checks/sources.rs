//! Who decides on publishes and subscribes beside us.

use emqx_config::contract;

use crate::doctor::facts::{Broker, Facts, Hook};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&FOREIGN, &NONE];

pub(super) static FOREIGN: Rule = Rule {
    code: "emqx_foreign_source",
    severity: Severity::Error,
    why: "a source beside the hook decides what it left open; the stock acl.conf ends with allow all and gives 127.0.0.1 everything",
    source: "5.3.0 read, 5.8.9 seen",
    mend: "authorization.sources = [ the one http source of the shipped file ]",
};

pub(super) static NONE: Rule = Rule {
    code: "emqx_no_source",
    severity: Severity::Warning,
    why: "people's subscribes, and before 5.7.2 everything, are decided by the authorization hook; without it they fall to no_match",
    source: "5.8.9 seen; 5.3 to 5.7.1 read",
    mend: "authorization.sources = [ the http source of the shipped file, enable = true, path /authz ]",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    facts.brokers.iter().flat_map(of_broker).collect()
}

fn of_broker(broker: &Broker) -> Vec<Finding> {
    let Some(sources) = &broker.conf.authorization.sources else {
        let seen = "authorization.sources is absent: EMQX uses its acl.conf";
        return vec![FOREIGN.at(&broker.name, seen)];
    };
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.enable) {
        if let Some(kind) = &source.foreign {
            let seen = format!("{} has type {kind:?}", source.place);
            found.push(FOREIGN.at(&broker.name, seen));
        } else if source.path() != contract::PATH_AUTHZ {
            let seen = format!("{} asks {}", source.place, source.url);
            found.push(FOREIGN.at(&broker.name, seen));
        }
    }
    let ours = |source: &Hook| source.enable && source.path() == contract::PATH_AUTHZ;
    if !sources.iter().any(ours) {
        found.push(NONE.at(&broker.name, "no enabled source asks /authz"));
    }
    found
}
