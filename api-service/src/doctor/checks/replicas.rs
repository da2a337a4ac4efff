//! What each replica of hook-service says of itself.

use crate::doctor::facts::{Facts, Replica};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &NOT_READY,
    &BEHIND,
    &STALE,
    &CORRECTIONS,
    &LAPSES,
    &IDLE,
    &LEFT_OUT,
    &REFUSED,
    &OVERLOAD,
    &SECRET,
    &UNKNOWN,
];

pub(super) static NOT_READY: Rule = Rule {
    code: "replica_not_ready",
    severity: Severity::Error,
    why: "it denies everybody, and EMQX asks it as long as its port is open",
    source: "hook-service /readyz",
    mend: "do what the reason says; keep unready replicas out of the balancer",
};

pub(super) static BEHIND: Rule = Rule {
    code: "replica_behind",
    severity: Severity::Error,
    why: "it decides on rights that were withdrawn",
    source: "hook_applied_change_number",
    mend: "look at that replica's log and its link to the database",
};

pub(super) static STALE: Rule = Rule {
    code: "replica_stale",
    severity: Severity::Error,
    why: "it has had no news from the database for longer than its bound, and denies",
    source: "hook_fresh_for_milliseconds",
    mend: "look at that replica's link to the database",
};

pub(super) static CORRECTIONS: Rule = Rule {
    code: "replica_corrections",
    severity: Severity::Error,
    why: "a full compare found entries that the feed had missed: a fault of ours, or somebody wrote past the triggers",
    source: "hook_corrections_total",
    mend: "schema bump-epoch, and report it",
};

pub(super) static LAPSES: Rule = Rule {
    code: "replica_lapses",
    severity: Severity::Warning,
    why: "its lease ran out or was lost: for a while it denied everybody",
    source: "hook_lease_lapses_total",
    mend: "look at the database's load and the network between; a longer HOOK_STALENESS_MS bridges more",
};

pub(super) static IDLE: Rule = Rule {
    code: "replica_idle",
    severity: Severity::Note,
    why: "no broker is connected to it: EMQX may ask another address, or think it down for up to 15 s",
    source: "hook_connections; 5.8.9 seen",
    mend: "look at the url of the hooks and at the balancer",
};

pub(super) static LEFT_OUT: Rule = Rule {
    code: "replica_rights_left_out",
    severity: Severity::Warning,
    why: "rights of service clients cannot be told to EMQX safely and were left out: the gateway misses topics",
    source: "hook_service_rights_left_out; 5.8.9 seen: `a/+` admits `a/#`",
    mend: "api-service service-client add with other filters",
};

pub(super) static REFUSED: Rule = Rule {
    code: "replica_connections_refused",
    severity: Severity::Warning,
    why: "more connections than it takes: pools of too many nodes, or somebody who is no broker",
    source: "hook_connections_refused_total",
    mend: "let only EMQX reach the port; fewer nodes or smaller pools for each replica",
};

pub(super) static OVERLOAD: Rule = Rule {
    code: "replica_overload",
    severity: Severity::Warning,
    why: "it was too late for requests and denied them unseen, so devices were refused that are welcome",
    source: "hook_decisions_total with reason overload",
    mend: "more replicas or more cores for hook-service",
};

pub(super) static SECRET: Rule = Rule {
    code: "replica_secret_refused",
    severity: Severity::Warning,
    why: "requests came with a missing or wrong shared secret: a header that EMQX lacks, or a stranger at the port",
    source: "hook_decisions_total with reason secret",
    mend: "the same x-hook-secret in every hook of EMQX, and let only EMQX reach the port",
};

pub(super) static UNKNOWN: Rule = Rule {
    code: "replica_unknown",
    severity: Severity::Error,
    why: "what answers there is no hook-service that these checks know",
    source: "hook-service /metrics",
    mend: "give the operators' address (HOOK_OPS_LISTEN) of a hook-service of this release",
};

/// Metrics without which nothing can be said.
const NEEDED: [&str; 3] = [
    "hook_applied_change_number",
    "hook_corrections_total",
    "hook_fresh_for_milliseconds",
];

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let newest = facts.feed.as_ref().map(|feed| feed.newest);
    let replicas = facts.replicas.iter();
    replicas
        .flat_map(|replica| of_replica(replica, newest))
        .collect()
}

fn of_replica(replica: &Replica, newest: Option<i64>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |rule: &'static Rule, seen: String| found.push(rule.at(&replica.address, seen));
    let absent: Vec<_> = NEEDED
        .into_iter()
        .filter(|name| replica.metric(name).is_none())
        .collect();
    if !absent.is_empty() {
        say(&UNKNOWN, format!("it has no {}", absent.join(", ")));
        return found;
    }
    let metric = |name: &str| replica.metric(name).unwrap_or_default();
    if let Some(reason) = &replica.not_ready {
        say(&NOT_READY, reason.clone());
    } else if metric("hook_fresh_for_milliseconds") <= 0.0 {
        say(&STALE, "hook_fresh_for_milliseconds is 0".to_owned());
    }
    let applied = metric("hook_applied_change_number");
    #[expect(
        clippy::cast_precision_loss,
        reason = "metrics are f64 on the wire; exact to 2^53"
    )]
    if let Some(newest) = newest.filter(|newest| applied < *newest as f64) {
        say(
            &BEHIND,
            format!("has applied {applied}, the newest is {newest}"),
        );
    }
    for (name, rule) in [
        ("hook_corrections_total", &CORRECTIONS),
        ("hook_lease_lapses_total", &LAPSES),
        ("hook_service_rights_left_out", &LEFT_OUT),
        ("hook_connections_refused_total", &REFUSED),
    ] {
        if metric(name) > 0.0 {
            say(rule, format!("{name} is {}", metric(name)));
        }
    }
    if metric("hook_connections") <= 0.0 {
        say(&IDLE, "hook_connections is 0".to_owned());
    }
    for (reason, rule) in [("overload", &OVERLOAD), ("secret", &SECRET)] {
        let denied = replica.denied(reason);
        if denied > 0.0 {
            say(rule, format!("{denied} requests were denied for it"));
        }
    }
    found
}
