//! The replica's rules, one by one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lease::{Doubt, Gate, Head, History, Keeper, Standing, Step};
use uuid::Uuid;

const LENGTH: Duration = Duration::from_secs(6);

struct Case {
    start: Instant,
    gate: Arc<Gate>,
    keeper: Keeper,
}

fn head(number: i64, timeline: &str) -> Head {
    Head {
        number,
        history: History {
            epoch: Uuid::nil(),
            system_identifier: 1,
            timeline: timeline.to_owned(),
        },
    }
}

fn process(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

impl Case {
    fn new() -> Self {
        let start = Instant::now();
        let gate = Arc::new(Gate::new(start));
        let keeper = Keeper::new(LENGTH, Arc::clone(&gate));
        Self {
            start,
            gate,
            keeper,
        }
    }

    /// One that has loaded everything up to change 7 and may allow.
    fn live() -> Self {
        let mut case = Self::new();
        assert_eq!(case.next(0), Step::Take { former: None });
        case.keeper.taken(process(1), case.at(0));
        assert_eq!(case.next(1), Step::Head);
        case.keeper.saw(&head(7, "1"));
        assert_eq!(case.next(2), Step::Load(None));
        case.keeper.holds(head(7, "1"));
        assert_eq!(case.standing(3), Standing::NotReady);
        assert_eq!(case.next(3), renew(1));
        case.keeper.renewal_sent();
        assert_eq!(case.next(3), Step::Rest, "nothing waits for the answer");
        assert!(case.renewed(1, 3, 4, 1));
        assert_eq!(case.next(4), tell(1, 7));
        case.keeper.told(7, 1);
        assert_eq!(case.next(5), Step::Rest);
        case
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn next(&mut self, ms: u64) -> Step {
        self.keeper.next(self.at(ms))
    }

    /// A renewal of lease `name`, sent and answered at these times.
    fn renewed(&mut self, name: u128, sent: u64, answered: u64, rows: u64) -> bool {
        let (sent, answered) = (self.at(sent), self.at(answered));
        self.keeper.renewed(process(name), sent, answered, rows)
    }

    fn standing(&self, ms: u64) -> Standing {
        self.gate.standing(self.at(ms))
    }
}

fn renew(name: u128) -> Step {
    let process = process(name);
    Step::Renew { process }
}

fn tell(name: u128, applied: i64) -> Step {
    let process = process(name);
    Step::Tell { process, applied }
}

#[test]
fn nothing_is_allowed_before_a_renewal_after_everything_was_loaded_under_a_lease() {
    let case = Case::live();
    assert_eq!(case.standing(6_002), Standing::Fresh);
    assert_eq!(
        case.standing(6_003),
        Standing::Stale,
        "counted from before it was sent"
    );
}

#[test]
fn what_is_applied_is_told_at_once_and_extends_nothing() {
    let mut case = Case::live();
    let edition = case.gate.edition();
    case.keeper.look(false);
    assert_eq!(case.next(10), Step::Head);
    case.keeper.saw(&head(8, "1"));
    assert_eq!(case.next(11), Step::CatchUp { after: 7 });
    case.keeper.caught_up(8);
    assert_ne!(
        case.gate.edition(),
        edition,
        "whoever decided meanwhile decides again"
    );
    assert_eq!(case.next(12), tell(1, 8));
    case.keeper.told(8, 1);
    assert_eq!(case.next(13), Step::Rest);
    assert_eq!(case.standing(6_003), Standing::Stale);
}

#[test]
fn a_lease_is_renewed_when_a_sixth_of_it_has_passed() {
    let mut case = Case::live();
    case.keeper.look(false);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(1_002), Step::Rest);
    case.keeper.look(false);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(1_003), renew(1));
}

#[test]
fn changes_are_applied_while_a_renewal_is_on_its_way_and_told_after_it() {
    let mut case = Case::live();
    case.keeper.look(false);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(1_003), renew(1));
    case.keeper.renewal_sent();
    assert_eq!(case.next(1_003), Step::Rest);
    case.keeper.look(false);
    assert_eq!(case.next(1_010), Step::Head);
    case.keeper.saw(&head(8, "1"));
    assert_eq!(case.next(1_011), Step::CatchUp { after: 7 });
    case.keeper.caught_up(8);
    assert_eq!(case.next(1_012), Step::Rest, "the row is the renewal's");
    assert!(case.renewed(1, 1_003, 1_040, 1));
    assert_eq!(case.standing(7_002), Standing::Fresh);
    assert_eq!(
        case.standing(7_003),
        Standing::Stale,
        "from before it was sent"
    );
    assert_eq!(case.next(1_041), tell(1, 8));
}

#[test]
fn a_renewal_is_sent_again_over_a_new_link_and_an_answer_for_another_lease_says_nothing() {
    let mut case = Case::live();
    case.keeper.look(false);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(1_003), renew(1));
    case.keeper.renewal_sent();
    case.keeper.linked();
    assert_eq!(case.next(1_100), Step::Head);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(1_101), renew(1));
    assert!(!case.renewed(2, 1_003, 1_102, 1));
    assert_eq!(case.standing(6_003), Standing::Stale, "it extended nothing");
    assert!(!case.renewed(2, 1_003, 1_102, 0));
    assert_eq!(case.keeper.lapses(), 0, "and ended nothing");
}

#[test]
fn a_renewal_that_is_answered_after_the_end_does_not_revive_the_lease() {
    let mut case = Case::live();
    assert!(!case.renewed(1, 5_000, 6_003, 1));
    assert_eq!(case.standing(6_003), Standing::Stale);
    let former = Some(process(1));
    assert_eq!(case.next(6_004), Step::Take { former });
    assert_eq!(case.keeper.lapses(), 1);
}

#[test]
fn a_row_that_somebody_deleted_ends_the_lease_at_once() {
    let mut case = Case::live();
    case.keeper.told(7, 0);
    assert_eq!(case.standing(10), Standing::Stale);
    let mut case = Case::live();
    assert!(!case.renewed(1, 10, 11, 0));
    assert_eq!(case.standing(12), Standing::Stale);
}

#[test]
fn after_a_lapse_a_new_look_under_a_new_lease_comes_first() {
    let mut case = Case::live();
    let former = Some(process(1));
    assert_eq!(case.next(7_000), Step::Take { former });
    case.keeper.taken(process(2), case.at(7_000));
    assert_eq!(case.next(7_001), Step::Head);
    assert_eq!(case.standing(7_001), Standing::Stale);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(7_002), renew(2));
    case.keeper.renewal_sent();
    assert!(!case.renewed(1, 6_900, 7_003, 1), "the former lease's");
    assert_eq!(case.standing(7_003), Standing::Stale);
    assert!(case.renewed(2, 7_002, 7_003, 1));
    assert_eq!(case.standing(7_004), Standing::Fresh);
}

#[test]
fn another_history_or_a_smaller_number_shuts_and_loads_everything_under_a_new_lease() {
    for (now, doubt) in [
        (head(9, "2"), Doubt::History),
        (head(6, "1"), Doubt::Behind),
    ] {
        let mut case = Case::live();
        case.keeper.linked();
        assert_eq!(case.next(10), Step::Head);
        case.keeper.saw(&now);
        assert_eq!(case.standing(10), Standing::Stale);
        let former = Some(process(1));
        assert_eq!(case.next(11), Step::Take { former });
        case.keeper.taken(process(2), case.at(11));
        assert_eq!(case.next(12), Step::Head);
        case.keeper.saw(&now);
        assert_eq!(case.next(13), Step::Load(Some(doubt)));
        case.keeper.holds(now.clone());
        assert_eq!(case.next(14), renew(2));
    }
}

#[test]
fn a_new_link_is_told_again_what_was_applied_since_a_crash_may_have_lost_it() {
    let mut case = Case::live();
    case.keeper.linked();
    assert_eq!(case.next(10), Step::Head);
    case.keeper.saw(&head(7, "1"));
    assert_eq!(case.next(11), tell(1, 7));
}

#[test]
fn a_process_that_stops_allows_nothing_and_names_the_lease_to_give_back() {
    let mut case = Case::live();
    assert_eq!(case.keeper.stop(), Some(process(1)));
    assert_eq!(case.standing(5), Standing::Stale);
    assert_eq!(Case::new().keeper.stop(), None);
}
