//! Random histories against the rules that ship.
//!
//! A world is a database with a standby, some replicas, brokers that ask them, and somebody who
//! revokes and waits. Each step one of them does one thing, in any order and after any time:
//! messages are late or lost, processes pause between any two instructions, crash, and hand over;
//! the database crashes, and fails over to a standby that lacks what it may lack. The replicas are
//! [`lease::Keeper`] and [`lease::Gate`], the waiter is [`lease::Judge`] and [`lease::Wait`].
//!
//! Clocks run at different speeds. There is no wall clock to step: no rule takes one.
//!
//! `LEASE_MODEL_STEPS` sets the number of steps, `LEASE_MODEL_SEED` the first seed.

mod clock;
mod dice;
mod replica;
mod rules;
mod seen;
mod server;
mod waiter;
mod world;

use rules::Rules;
use seen::Seen;
use world::World;

/// Steps of a normal run; the nightly one makes ten times as many.
const STEPS: u64 = 1_000_000;

/// Steps in which each weakened rule must be found out.
const STEPS_TO_FIND: u64 = 5_000_000;

/// Steps of one world, from its beginning.
const STEPS_PER_WORLD: u64 = 10_000;

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but these two"
)]
fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value} is not a number")),
    )
}

/// Plays worlds until one breaks the promise. Gives its seed and what happened.
#[expect(clippy::print_stdout, reason = "the seed is told")]
fn play(rules: Rules, first_seed: u64, steps: u64) -> Option<(u64, String)> {
    let mut seen = Seen::default();
    for seed in (0..steps.div_ceil(STEPS_PER_WORLD)).map(|n| first_seed.wrapping_add(n)) {
        let mut world = World::new(rules, seed);
        for _ in 0..STEPS_PER_WORLD {
            world.step();
            if let Some(violation) = world.violation() {
                return Some((seed, violation.to_owned()));
            }
        }
        seen.add(world.seen());
    }
    println!("{rules:?}: {steps} steps from seed {first_seed}: {seen:?}");
    // A model in which nothing happens proves nothing.
    if rules == Rules::default() {
        assert!(seen.is_rich(), "{seen:?}");
    }
    None
}

#[test]
fn no_allow_leaves_after_the_fence_whatever_happens() {
    let steps = from_environment("LEASE_MODEL_STEPS").unwrap_or(STEPS);
    let seed = from_environment("LEASE_MODEL_SEED").unwrap_or_else(dice::fresh_seed);
    if let Some((seed, violation)) = play(Rules::default(), seed, steps) {
        panic!("LEASE_MODEL_SEED={seed}: {violation}");
    }
}

#[test]
fn no_broker_takes_an_allow_after_complete_even_one_held_back_behind_its_last_look() {
    let steps = from_environment("LEASE_MODEL_STEPS").unwrap_or(STEPS) / 5;
    let seed = from_environment("LEASE_MODEL_SEED").unwrap_or_else(dice::fresh_seed);
    let rules = Rules {
        torn_writes: true,
        ..Rules::default()
    };
    if let Some((seed, violation)) = play(rules, seed, steps) {
        panic!("LEASE_MODEL_SEED={seed}: {violation}");
    }
}

/// Without its rule the model must break the promise: else it would not notice the rule's loss.
#[expect(clippy::print_stdout, reason = "the seed is told")]
fn found_out(rules: Rules, first_seed: u64) {
    let found = play(rules, first_seed, STEPS_TO_FIND);
    let (seed, violation) = found.unwrap_or_else(|| panic!("{rules:?} was not found out"));
    println!("{rules:?}: seed {seed}: {violation}");
}

macro_rules! weakened {
    ($($name:ident: $rule:ident from $first_seed:literal,)*) => {$(
        #[test]
        fn $name() {
            found_out(Rules { $rule: false, ..Rules::default() }, $first_seed);
        }
    )*};
}

weakened! {
    without_the_fence_the_model_finds_a_wrong_allow: fence from 1,
    with_a_kick_before_the_fence_the_model_finds_a_session_that_stays: kick_after_fence from 1,
    with_the_lease_not_looked_at_last_the_model_finds_a_wrong_allow: lease_looked_at_last from 1,
    with_the_edition_not_looked_at_last_the_model_finds_a_wrong_allow: edition_looked_at_last from 1,
    with_renewals_that_may_be_lost_the_model_finds_a_wrong_allow: durable_renewals from 1,
    without_the_tenth_on_top_the_model_finds_a_wrong_allow: margin from 1,
    with_a_new_lease_that_says_what_was_applied_the_model_finds_a_wrong_allow: empty_new_lease from 1900,
    with_a_deadline_counted_from_the_answer_the_model_finds_a_wrong_allow: deadline_from_before from 1,
    with_late_renewals_that_count_the_model_finds_a_wrong_allow: late_renewal_refused from 1,
    with_a_look_dated_by_its_answer_the_model_finds_a_wrong_allow: look_dated_by_its_question from 1,
    with_a_waiter_blind_to_failovers_the_model_finds_a_wrong_allow: history_seen from 1,
}
