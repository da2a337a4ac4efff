//! What loading everything beside a serving table costs its tail.
//!
//! hook-service compares its table with the database from time to time, which loads everything and
//! swaps; with the shortest interval it does nothing else, and the same requests are measured with
//! and without.

use std::time::Duration;

use super::Found;
use super::stack::Stack;
use crate::fleet::{Kind, Requests};
use crate::load::{self, Arrival, Dial, Expect, Plan};
use crate::report::say;
use crate::statistics::Spread;

/// Questions a second: far below the maximum, so that the tail is the reload's.
const ASKED_PER_SECOND: f64 = 10_000.0;

pub(super) fn measure(stack: &Stack, quick: bool, found: &mut Found) -> anyhow::Result<()> {
    let requests = Requests::new(Kind::AuthnCertificate, stack.devices);
    let rounds = if quick { 1 } else { 3 };
    say("reloads beside a serving table");
    let (mut calm, mut reloading) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        for (interval_ms, p99s) in [("86400000", &mut calm), ("1000", &mut reloading)] {
            let hooks = stack.hooks(&[("HOOK_COMPARE_MS", interval_ms)])?;
            let plan = Plan {
                address: hooks.hooks,
                dial: Dial::default(),
                requests: &requests,
                expect: &Expect::Decision,
                arrival: Arrival::Open {
                    per_second: ASKED_PER_SECOND,
                    depth: 100,
                },
                connections: 16,
                threads: 1,
                warm_up: Duration::from_secs(1),
                measure: Duration::from_secs(if quick { 5 } else { 10 }),
                seed: round,
            };
            p99s.push(load::run(&plan, None)?.latency_ms(0.99));
        }
    }
    for (name, p99s) in [("p99_calm_ms", calm), ("p99_reloading_ms", reloading)] {
        if let Some(spread) = Spread::of(p99s) {
            found.spread(name, spread);
        }
    }
    Ok(())
}
