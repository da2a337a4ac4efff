//! What the replicas of hook-service promise in the database.

use std::collections::BTreeSet;

use schema::words;

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&MISSING, &STALE, &BEHIND, &LENGTHS];

pub(super) static MISSING: Rule = Rule {
    code: "lease_missing",
    severity: Severity::Error,
    why: "a replica without a lease is not waited for by a revoke, and one that has none does not allow: devices cannot connect",
    source: "design section 6",
    mend: "start hook-service, and look at its log and /readyz",
};

pub(super) static STALE: Rule = Rule {
    code: "lease_stale",
    severity: Severity::Warning,
    why: "a replica that is gone or hangs: every revoke waits for its H and a tenth more, and says so",
    source: "design sections 6 and 7",
    mend: "look at that replica; the row of one that is gone goes after some 17 minutes",
};

pub(super) static BEHIND: Rule = Rule {
    code: "lease_behind",
    severity: Severity::Error,
    why: "it decides on rights that were withdrawn, and every revoke waits for it",
    source: "design section 7",
    mend: "look at that replica's log and its link to the database",
};

pub(super) static LENGTHS: Rule = Rule {
    code: "lease_lengths_differ",
    severity: Severity::Note,
    why: "a revoke waits for the longest; replicas of one fleet are meant to promise the same",
    source: "design section 6",
    mend: "the same HOOK_STALENESS_MS for every replica",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let Some(feed) = &facts.feed else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let alive = feed.leases.iter().filter(|lease| lease.renewed).count();
    let asked = facts.replicas.len();
    if alive == 0 || alive < asked {
        let seen = format!("{alive} renewed leases, {asked} replicas that answered");
        found.push(MISSING.at(words::HOOK_LEASE, seen));
    }
    for lease in &feed.leases {
        let subject = format!("lease of {}", lease.replica);
        if !lease.renewed {
            let seen = format!("not renewed within {:.1?}", feed.watched);
            found.push(STALE.at(subject, seen));
        } else if lease.applied < feed.newest {
            let seen = format!(
                "has applied {}, the newest is {}",
                lease.applied, feed.newest
            );
            found.push(BEHIND.at(subject, seen));
        }
    }
    let lengths: BTreeSet<i32> = feed.leases.iter().map(|lease| lease.length_ms).collect();
    if lengths.len() > 1 {
        found.push(LENGTHS.at(words::HOOK_LEASE, format!("{lengths:?} ms")));
    }
    found
}
