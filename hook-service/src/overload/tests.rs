use std::sync::atomic::AtomicU64;

use super::*;

const MAX: Duration = Duration::from_millis(30);

/// A round over 160 connections with a hundred requests each, where a decision takes 6 us and a
/// shed takes 1 us, and what follows from it.
fn crowded(quota: u32) -> (Round, u32) {
    let (turns, each) = (160, 100);
    let decided = turns * each.min(quota);
    let round = at_cost(decided, turns * each - decided, turns);
    (round, round.next_quota(quota, MAX))
}

fn at_cost(decided: u32, shed: u32, turns: u32) -> Round {
    let shedding = Duration::from_micros(1) * shed;
    let ran = Duration::from_micros(6) * decided + shedding;
    Round {
        ran,
        // The kernel's part.
        passed: ran + ran / 8,
        shedding,
        decided,
        shed,
        turns,
        cut: false,
    }
}

#[test]
fn a_round_that_shed_nothing_has_no_quota_after_it() {
    assert_eq!(at_cost(100_000, 0, 160).next_quota(ALL, MAX), ALL);
    assert_eq!(at_cost(10, 0, 2).next_quota(5, MAX), ALL);
}

#[test]
fn a_lasting_overload_settles_at_rounds_a_little_shorter_than_they_may_be() {
    let mut quota = 1;
    for _ in 0..10 {
        quota = crowded(quota).1;
    }
    let (round, next) = crowded(quota);
    assert!(next.abs_diff(quota) <= 1, "{quota} {next}");
    let over = round.passed.abs_diff(MAX.mul_f64(0.75));
    assert!(over <= Duration::from_millis(2), "{round:?}");
    assert!(round.decided >= 800, "and the time is used: {round:?}");
}

#[test]
fn a_quota_that_nobody_came_to_says_nothing() {
    let cut = Round {
        cut: true,
        ..at_cost(5000, 11_000, 50)
    };
    assert_eq!(cut.next_quota(ALL, MAX), cut.next_quota(9000, MAX));
    assert!(
        cut.next_quota(9000, MAX) <= 100,
        "a share of what was decided"
    );
}

#[test]
fn what_could_all_be_decided_is() {
    // The end of an overload: far fewer requests, and still a small quota.
    assert_eq!(at_cost(160, 1000, 160).next_quota(1, MAX), ALL);
    assert_ne!(at_cost(160, 8000, 160).next_quota(1, MAX), ALL);
}

#[test]
fn every_connection_gets_a_decision_even_if_shedding_alone_takes_too_long() {
    let hopeless = at_cost(1000, 100_000, 1000);
    assert!(hopeless.shedding > MAX);
    assert_eq!(hopeless.next_quota(3, MAX), 1);
    let nothing_decided = at_cost(0, 100, 10);
    assert_eq!(nothing_decided.next_quota(ALL, MAX), 1);
}

#[test]
fn connections_that_need_less_than_their_share_leave_the_rest_to_the_others() {
    // Ten with 1,000 requests each, a hundred with one.
    let round = |quota: u32| {
        let decided = 10 * quota.min(1000) + 100;
        at_cost(decided, 10_100 - decided, 110)
    };
    let mut quota = 1;
    for _ in 0..30 {
        quota = round(quota).next_quota(quota, MAX);
    }
    let share = round(quota).decided / 110;
    assert!(quota > 5 * share && share > 1, "{quota} {share}");
}

#[test]
fn a_processor_that_others_had_too_is_no_overload_but_shortens_one() {
    let mut paused = at_cost(3000, 1000, 32);
    paused.passed += Duration::from_secs(1);
    assert_eq!(
        paused.next_quota(ALL, MAX),
        ALL,
        "all of it fits into a round"
    );
    let mut shared = at_cost(3000, 9000, 32);
    let alone = shared.next_quota(50, MAX);
    shared.passed += Duration::from_millis(5);
    assert!(shared.next_quota(50, MAX) < alone);
}

/// A clock that the test moves: thread's time and time alike.
macro_rules! clock {
    ($now:ident) => {{
        static $now: AtomicU64 = AtomicU64::new(0);
        let overload = Overload::new(MAX, || {
            let ran = Duration::from_millis($now.load(Relaxed));
            Time { ran, passed: ran }
        });
        let pass = |ms: u64| $now.fetch_add(ms, Relaxed);
        (overload, pass)
    }};
}

/// A turn that takes so many milliseconds and decides so many requests.
fn turn(overload: &Overload, last: u64, pass: impl Fn(u64) -> u64, ms: u64, count: u32) -> u64 {
    assert_ne!(overload.turn_begins(last), 0, "it is not late");
    (0..count).for_each(|_| overload.begins());
    pass(ms);
    overload.turn_ends(true)
}

#[test]
fn a_turn_is_late_by_the_time_since_the_last_one_or_since_the_round_began() {
    let (overload, pass) = clock!(NOW);
    pass(1);
    (0..LOOK_EVERY).for_each(|_| overload.begins());
    // From here a round is measured.
    let first = turn(&overload, 0, pass, 1, LOOK_EVERY);
    turn(&overload, 0, pass, 29, 1);
    assert_eq!(overload.turn_begins(0), ALL, "30 ms since the round began");
    assert!(overload.end(), "after so much another one is measured");
    turn(&overload, 0, pass, 1, 1);
    assert_eq!(
        overload.turn_begins(first),
        ALL,
        "30 ms since its last turn"
    );
    let second = turn(&overload, first, pass, 1, 1);
    assert_eq!(overload.turn_begins(first), 0, "31 ms since its last turn");
    assert_eq!(overload.turn_begins(0), ALL, "2 ms since the round began");
    assert_eq!(overload.turn_begins(second), ALL, "its last turn was now");
}

#[test]
fn a_pause_of_the_machine_makes_no_turn_late() {
    let (overload, pass) = clock!(NOW);
    pass(1);
    (0..LOOK_EVERY).for_each(|_| overload.begins());
    // A decision takes 10 us, which this thread has learnt.
    turn(&overload, 0, pass, 10, 1000);
    assert!(overload.end());
    // 60 ms in which nobody decided anything.
    let last = turn(&overload, 0, pass, 60, 400);
    assert_eq!(overload.turn_begins(0), ALL, "1,400 decisions take 14 ms");
    turn(&overload, last, pass, 1, 100);
    assert_eq!(overload.turn_begins(0), 0, "and 1,500 might take as long");
}

#[test]
fn what_a_decision_takes_is_learnt_slowly() {
    let cost = |known| at_cost(1000, 0, 10).cost_ns(known);
    assert_eq!(cost(0), 6000, "nothing was known");
    assert_eq!(cost(6000), 6000);
    assert_eq!(cost(60_000), 52_500, "an eighth less");
    assert_eq!(cost(600), 675, "an eighth more");
    assert_eq!(cost(1), 1);
}

#[test]
fn what_was_shed_leaves_a_quota_until_all_of_it_can_be_decided() {
    let (overload, pass) = clock!(NOW);
    turn(&overload, 0, pass, 20, LOOK_EVERY);
    turn(&overload, 0, pass, 20, 10_000);
    assert_eq!(overload.turn_begins(0), 0);
    let began = overload.look();
    pass(5);
    overload.has_shed(10_000, began);
    assert!(overload.end());
    let quota = overload.turn_begins(overload.look());
    assert!((1..10_000).contains(&quota), "{quota}");
    // That one had little to do, and nothing was left of it.
    assert!(!overload.end());
    assert_eq!(overload.turn_begins(0), ALL);
}

/// As a connection goes there; tokio's own `yield_now` waits for the queue to be empty.
async fn to_the_end_of_the_queue() {
    let mut went = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut went, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[tokio::test]
async fn a_round_ends_behind_everything_that_waited_when_it_began() {
    // In a task, for only tasks wait in the queue.
    let task = tokio::spawn(async {
        let overload = Overload::watched(Duration::ZERO);
        tokio::task::yield_now().await;
        (0..LOOK_EVERY).for_each(|_| overload.begins());
        let ended = overload.turn_ends(true);
        assert!(ended > 0, "a round is measured");
        overload.has_shed(1, ended);
        assert_eq!(overload.turn_begins(overload.look()), ALL, "it is not over");
        to_the_end_of_the_queue().await;
        assert_eq!(overload.turn_begins(overload.look()), 1, "it left a quota");
    });
    task.await.unwrap();
}

#[test]
fn without_a_bound_nothing_is_ever_late() {
    let overload = Overload::default();
    (0..100_000).for_each(|_| overload.begins());
    assert_eq!(overload.turn_begins(0), ALL);
    assert!(overload.end());
    assert_eq!(overload.turn_begins(0), ALL);
}

#[tokio::test]
async fn nothing_is_left_behind_by_an_overload_that_nobody_holds() {
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let before = alive();
    let overload = Overload::watched(MAX);
    tokio::task::yield_now().await;
    assert_eq!(alive(), before + 1);
    drop(overload);
    tokio::task::yield_now().await;
    assert_eq!(alive(), before, "the task has ended");
}
