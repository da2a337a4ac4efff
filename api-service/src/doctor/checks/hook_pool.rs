//! How many requests fit between EMQX and a hook, and for how long they wait.

use std::time::Duration;

use emqx_config::contract;

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&POOL, &PIPELINING, &REQUEST, &CONNECT];

pub(super) static POOL: Rule = Rule {
    code: "emqx_pool_small",
    severity: Severity::Warning,
    why: "capacity is pool x pipelining / latency; with 8 connections 8 stalled clients held up a ninth",
    source: "5.8.9 seen; 8 by default",
    mend: "pool_size = 16",
};

pub(super) static PIPELINING: Rule = Rule {
    code: "emqx_pipelining_low",
    severity: Severity::Warning,
    why: "each connection then waits for an answer before it asks again, and a storm of connects stands in a queue",
    source: "5.8.9 seen; 100 by default",
    mend: "enable_pipelining = 100",
};

pub(super) static REQUEST: Rule = Rule {
    code: "emqx_request_timeout_long",
    severity: Severity::Error,
    why: "an answer from before a revocation can be taken for this long and half a second: longer than a revoke waits before it says `complete`",
    source: "5.8.9 seen; 5 s (authentication) and 30 s (authorization) by default",
    mend: "request_timeout = 2s",
};

pub(super) static CONNECT: Rule = Rule {
    code: "emqx_connect_timeout_long",
    severity: Severity::Warning,
    why: "connects of clients wait this long for a dead replica",
    source: "5.8.9 loaded; 15 s by default",
    mend: "connect_timeout = 2s",
};

/// Connections that the shipped files open for each node.
const POOL_MIN: u64 = 16;
/// Requests under way on a connection, below which pipelining is hardly on.
const PIPELINING_MIN: u64 = 16;
/// The time-out that the wait until `complete` is computed from (design section 7).
const REQUEST_MAX: Duration = Duration::from_secs(2);
/// Longest time to open a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        for hook in broker.conf.hooks().filter(|hook| hook.is_ours()) {
            let place = broker.hook(hook);
            // The global chain is asked only for listeners that nobody should have opened.
            let rare = hook.path() == contract::PATH_AUTHN_NONE;
            if hook.pool_size < POOL_MIN && !rare {
                let seen = format!("pool_size = {}", hook.pool_size);
                found.push(POOL.at(&place, seen));
            }
            if hook.pipelining < PIPELINING_MIN && !rare {
                let seen = format!("enable_pipelining = {}", hook.pipelining);
                found.push(PIPELINING.at(&place, seen));
            }
            if hook.request_timeout > REQUEST_MAX {
                let seen = format!("request_timeout is {:?}", hook.request_timeout);
                found.push(REQUEST.at(&place, seen));
            }
            if hook.connect_timeout > CONNECT_MAX {
                let seen = format!("connect_timeout is {:?}", hook.connect_timeout);
                found.push(CONNECT.at(&place, seen));
            }
        }
    }
    found
}
