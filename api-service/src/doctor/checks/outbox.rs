//! What waits to be done on the brokers.

use std::time::Duration;

use schema::words;

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DEAD, &OLD];

pub(super) static DEAD: Rule = Rule {
    code: "outbox_dead",
    severity: Severity::Error,
    why: "sessions of devices that lost their rights were given up on, and may still be connected",
    source: "design section 7",
    mend: "read lastError of the operations, mend it, and retry them",
};

pub(super) static OLD: Rule = Rule {
    code: "outbox_old",
    severity: Severity::Warning,
    why: "a revoke has waited this long for a broker to end the session",
    source: "design section 7",
    mend: "look at API_BROKER_URL, API_BROKER_KEY and the log of api-service",
};

/// A revoke is complete within 5 s; an outage is retried with pauses of up to a minute.
const AGE_MAX: Duration = Duration::from_secs(120);

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let Some(feed) = &facts.feed else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if feed.dead > 0 {
        found.push(DEAD.at(words::OUTBOX, format!("{} rows were given up", feed.dead)));
    }
    if let Some(age) = feed.oldest_pending.filter(|age| *age > AGE_MAX) {
        let seen = format!("the oldest pending row is {} s old", age.as_secs());
        found.push(OLD.at(words::OUTBOX, seen));
    }
    found
}
