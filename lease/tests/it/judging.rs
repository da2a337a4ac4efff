//! The waiter's rules, one by one.

use std::time::{Duration, Instant};

use lease::{History, How, Judge, LENGTH_ENDLESS_MS, Look, Row, Wait};
use uuid::Uuid;

const LENGTH_MS: i32 = 5_000;

/// A waiter for change 7, and the judge it asks.
struct Case {
    start: Instant,
    history: History,
    judge: Judge,
    wait: Wait,
}

fn row(process: u128, applied: i64, renewals: i64) -> Row {
    Row {
        process: Uuid::from_u128(process),
        applied,
        renewals,
        length_ms: LENGTH_MS,
    }
}

impl Case {
    fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            history: History {
                epoch: Uuid::nil(),
                system_identifier: 1,
                timeline: "00000001".to_owned(),
            },
            judge: Judge::default(),
            wait: Wait::new(7, start),
        }
    }

    /// A look sent at one millisecond and received at another, with change 7 the newest.
    fn look(&mut self, sent: u64, received: u64, rows: &[Row]) -> bool {
        self.look_at(7, sent, received, rows)
    }

    fn look_at(&mut self, newest: i64, sent: u64, received: u64, rows: &[Row]) -> bool {
        let look = Look {
            sent: self.start + Duration::from_millis(sent),
            received: self.start + Duration::from_millis(received),
            newest,
            history: &self.history,
            rows,
        };
        self.judge.look(&look);
        self.wait.look(&self.judge, &look)
    }

    fn hows(&self) -> Vec<Option<How>> {
        let leases = self.wait.leases();
        leases.map(|(_, verdict)| Some(verdict?.how)).collect()
    }
}

#[test]
fn without_a_lease_there_is_nobody_to_wait_for() {
    assert!(Case::new().look(0, 1, &[]));
}

#[test]
fn every_lease_must_have_applied_the_change() {
    let mut case = Case::new();
    assert!(!case.look(0, 1, &[row(1, 7, 3), row(2, 6, 3)]));
    assert!(case.look(10, 11, &[row(1, 7, 3), row(2, 8, 3)]));
    assert_eq!(case.hows(), [Some(How::Applied); 2]);
}

#[test]
fn a_look_sent_before_the_wait_began_proves_nothing_for_it() {
    let mut case = Case::new();
    case.wait = Wait::new(7, case.start + Duration::from_millis(5));
    assert!(!case.look(4, 6, &[row(1, 7, 3)]));
    assert!(case.look(5, 6, &[row(1, 7, 3)]));
}

#[test]
fn a_silent_lease_lapses_by_a_look_sent_its_length_and_a_tenth_after_the_first_answer() {
    let mut case = Case::new();
    let silent = [row(1, 6, 3)];
    assert!(!case.look(0, 100, &silent));
    assert!(!case.look(5_599, 9_000, &silent), "sent too early");
    assert!(case.look(5_600, 9_001, &silent));
    assert_eq!(case.hows(), [Some(How::Lapsed)]);
}

#[test]
fn a_renewal_starts_the_count_again() {
    let mut case = Case::new();
    assert!(!case.look(0, 0, &[row(1, 6, 3)]));
    assert!(!case.look(5_000, 5_000, &[row(1, 6, 4)]));
    assert!(!case.look(10_499, 10_499, &[row(1, 6, 4)]));
    assert!(case.look(10_500, 10_500, &[row(1, 6, 4)]));
}

#[test]
fn a_counter_that_went_back_starts_the_count_again_too() {
    let mut case = Case::new();
    assert!(!case.look(0, 0, &[row(1, 6, 4)]));
    assert!(!case.look(5_400, 5_400, &[row(1, 6, 3)]));
    assert!(!case.look(10_800, 10_800, &[row(1, 6, 3)]));
    assert!(case.look(10_900, 10_900, &[row(1, 6, 3)]));
}

#[test]
fn a_lease_that_died_before_the_wait_delays_it_no_more() {
    let mut case = Case::new();
    case.wait = Wait::new(7, case.start + Duration::from_secs(60));
    assert!(!case.look(0, 1, &[row(1, 6, 3)]));
    assert!(case.look(60_000, 60_001, &[row(1, 6, 3)]));
}

#[test]
fn a_lease_that_appears_meanwhile_is_waited_for_too() {
    let mut case = Case::new();
    assert!(!case.look(0, 1, &[row(1, 6, 3)]));
    assert!(!case.look(10, 11, &[row(1, 7, 3), row(2, 0, 0)]));
    assert!(case.look(20, 21, &[row(1, 7, 3), row(2, 7, 1)]));
}

#[test]
fn a_row_that_is_gone_is_waited_for_no_more() {
    let mut case = Case::new();
    assert!(!case.look(0, 1, &[row(1, 6, 3)]));
    assert!(case.look(10, 11, &[]));
    assert_eq!(case.hows(), [Some(How::Gone)]);
}

#[test]
fn an_endless_lease_never_lapses() {
    let mut case = Case::new();
    let endless = Row {
        length_ms: LENGTH_ENDLESS_MS,
        ..row(1, 6, 3)
    };
    assert!(!case.look(0, 1, &[endless]));
    assert!(!case.look(86_400_000, 86_400_001, &[endless]));
    assert!(case.look(
        86_500_000,
        86_500_001,
        &[Row {
            applied: 7,
            ..endless
        }]
    ));
}

#[test]
fn after_a_failover_a_lease_that_nobody_sees_is_waited_for() {
    let mut case = Case::new();
    assert!(!case.look(0, 1, &[row(1, 6, 3)]));
    case.history.timeline = "00000002".to_owned();
    assert!(
        !case.look(1_000, 1_000, &[]),
        "its row may be lost, it may live"
    );
    assert!(!case.look(6_499, 6_499, &[]));
    assert!(case.look(6_500, 6_500, &[]));
    assert!(case.wait.saw_failover());
}

#[test]
fn what_was_applied_in_another_history_counts_no_more() {
    let mut case = Case::new();
    assert!(!case.look(0, 1, &[row(1, 7, 3), row(2, 6, 3)]));
    case.history.timeline = "00000002".to_owned();
    assert!(!case.look(10, 11, &[row(1, 6, 3), row(2, 7, 3)]));
    assert_eq!(case.hows(), [None, Some(How::Applied)]);
}

#[test]
fn a_primary_that_was_replaced_is_not_believed() {
    let mut case = Case::new();
    case.history.timeline = "00000002".to_owned();
    assert!(!case.look(0, 1, &[row(1, 6, 3)]));
    case.history.timeline = "00000001".to_owned();
    assert!(!case.look(10, 11, &[row(1, 7, 3)]));
    assert!(!case.wait.saw_failover());
    case.history.timeline = "00000002".to_owned();
    assert!(case.look(20, 21, &[row(1, 7, 3)]));
}

#[test]
fn a_database_that_lacks_the_change_from_the_beginning_is_not_believed() {
    let mut case = Case::new();
    assert!(!case.look_at(6, 0, 1, &[row(1, 6, 3)]));
    assert!(case.look(10, 11, &[row(1, 7, 3)]));
}

#[test]
fn a_change_that_a_failover_lost_is_not_waited_for_for_ever() {
    let mut case = Case::new();
    assert!(!case.look(0, 1, &[row(1, 6, 3)]));
    case.history.timeline = "00000002".to_owned();
    assert!(
        !case.look_at(6, 10, 11, &[row(1, 6, 3)]),
        "the old leases may live"
    );
    assert!(case.look_at(6, 6_000, 6_001, &[row(1, 6, 4)]));
    assert!(case.wait.saw_failover());
}
