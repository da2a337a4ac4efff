//! A process of hook-service: its feed, one message at a time, and its decisions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lease::{Gate, Head, Keeper, Row, Standing, Step};
use uuid::Uuid;

use super::clock::Clock;
use super::rules::Rules;
use super::server::{Ended, Server, State, Table};

/// `H` in milliseconds.
pub(super) const LENGTH_MS: i32 = 5_000;

const LENGTH: Duration = Duration::from_millis(LENGTH_MS as u64);

#[derive(Debug)]
pub(super) struct Replica {
    pub(super) clock: Clock,
    keeper: Keeper,
    gate: Arc<Gate>,
    pub(super) link: Option<usize>,
    talk: Option<Talk>,
    /// A renewal on its way, over a connection of its own.
    renewal: Option<Renewal>,
    /// Following waits for it, as on a database that answers nobody.
    waits_for_renewal: bool,
    is_resting: bool,
    table: Table,
    pub(super) decisions: Vec<Decision>,
    /// True time until which no instruction of it runs.
    pub(super) paused_until: u64,
    /// True time until which no database can be reached.
    pub(super) away_until: u64,
    pub(super) is_stopping: bool,
    had_applied: i64,
}

/// What the dice say for one instruction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    /// Whether a rest ends with a compare.
    pub(super) compare: bool,
    /// Whether following waits for a renewal that is sent.
    pub(super) holds: bool,
    /// Whether it is the turn of the renewal on its way.
    pub(super) renewal: bool,
    /// For a new lease.
    pub(super) name: Uuid,
    /// How long a message is on its way.
    pub(super) delay: u64,
    /// The same for a renewal.
    pub(super) renewal_delay: u64,
}

/// A question to the database on its way.
#[derive(Debug)]
struct Talk {
    step: Step,
    before: Instant,
    stage: Stage,
    /// True time before which the message is on its way.
    due: u64,
}

/// A renewal on its way.
#[derive(Debug)]
struct Renewal {
    process: Uuid,
    before: Instant,
    /// How many rows it changed, once that is answered.
    rows: Option<u64>,
    due: u64,
}

#[derive(Debug)]
enum Stage {
    Asked,
    Answered(Answer),
    /// The table is the new one, and nobody was told yet.
    Published(Head),
}

#[derive(Debug)]
enum Answer {
    Taken(Uuid),
    Head(Head),
    Table(Head, Table),
    Rows(u64),
}

/// A request of a broker.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) device: usize,
    /// True time at which it was asked.
    pub(super) asked_at: u64,
    stage: Deciding,
}

#[derive(Debug)]
enum Deciding {
    Begun,
    Reads(u64),
    Decided(u64, bool),
    /// It may leave, and its bytes have not.
    Leaves,
}

/// What a decision came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decided {
    Not,
    Denied,
    Allowed,
}

impl Decision {
    pub(super) fn new(device: usize, asked_at: u64) -> Self {
        Self {
            device,
            asked_at,
            stage: Deciding::Begun,
        }
    }
}

impl Replica {
    pub(super) fn new(clock: Clock, now: u64) -> Self {
        let gate = Arc::new(Gate::new(clock.at(now)));
        Self {
            clock,
            keeper: Keeper::new(LENGTH, Arc::clone(&gate)),
            gate,
            link: None,
            talk: None,
            renewal: None,
            waits_for_renewal: false,
            is_resting: false,
            table: Table::default(),
            decisions: Vec::new(),
            paused_until: 0,
            away_until: 0,
            is_stopping: false,
            had_applied: 0,
        }
    }

    pub(super) fn lapses(&self) -> u64 {
        self.keeper.lapses()
    }

    pub(super) fn is_renewing(&self) -> bool {
        self.renewal.is_some()
    }

    /// Whether it has still to hear what was answered.
    pub(super) fn hears(&self) -> bool {
        self.talk.is_some()
    }

    pub(super) fn linked(&mut self, server: usize) {
        self.link = Some(server);
        self.renewal = None;
        self.is_resting = false;
        self.keeper.linked();
    }

    /// The link breaks. An answer under way may be lost with it, or be heard still.
    pub(super) fn unlink(&mut self, loses_answer: bool) {
        self.link = None;
        let lost = self.talk.as_ref().is_some_and(|talk| match talk.stage {
            Stage::Asked => true,
            Stage::Answered(_) => loses_answer,
            Stage::Published(_) => false,
        });
        if lost {
            self.talk = None;
        }
        self.renewal = None;
    }

    /// Gives up what is asked, as a process that was told to stop; the name of its lease is left.
    pub(super) fn stop(&mut self) -> Option<Uuid> {
        self.talk = None;
        self.renewal = None;
        self.keeper.stop()
    }

    /// Whether the next thing to happen is the server's to do, or nobody's yet.
    pub(super) fn waits_for_server(&self, now: u64, renewal: bool) -> bool {
        if let (true, Some(sent)) = (renewal, &self.renewal) {
            return now < sent.due || sent.rows.is_none();
        }
        let talk = self.talk.as_ref();
        talk.is_some_and(|talk| now < talk.due || matches!(talk.stage, Stage::Asked))
    }

    /// One instruction of the feed, or of the server for it. `server` is where the link leads.
    pub(super) fn follow(
        &mut self,
        server: Option<&mut Server>,
        now: u64,
        rules: &Rules,
        chance: Chance,
    ) {
        let Chance {
            compare,
            holds,
            renewal,
            name,
            delay,
            renewal_delay,
        } = chance;
        if renewal {
            self.renew(server, now, rules, now + renewal_delay);
            return;
        }
        let is_held = self.waits_for_renewal && self.renewal.is_some();
        if is_held || self.talk.as_ref().is_some_and(|talk| now < talk.due) {
            return;
        }
        let due = |step: Step| match step {
            Step::Renew { .. } => now + renewal_delay,
            _ => now + delay,
        };
        let now = self.clock.at(now);
        let Some(talk) = self.talk.take() else {
            if server.is_some() {
                self.ask(now, compare, holds, due);
            }
            return;
        };
        let due = due(talk.step);
        match talk.stage {
            Stage::Asked => {
                let Some(server) = server else { return };
                let answer = self.answer(server, talk.step, rules, name);
                if let Some(answer) = answer {
                    let stage = Stage::Answered(answer);
                    self.talk = Some(Talk { stage, due, ..talk });
                } else {
                    self.talk = Some(Talk {
                        stage: Stage::Asked,
                        ..talk
                    });
                }
            }
            Stage::Answered(Answer::Table(head, table)) => {
                self.table = table;
                let stage = Stage::Published(head);
                self.talk = Some(Talk { stage, ..talk });
            }
            Stage::Published(head) => match talk.step {
                Step::CatchUp { .. } => self.keeper.caught_up(head.number),
                _ => self.keeper.holds(head),
            },
            Stage::Answered(answer) => self.hear(talk.step, talk.before, answer),
        }
    }

    fn ask(&mut self, now: Instant, compare: bool, holds: bool, due: impl Fn(Step) -> u64) {
        if std::mem::take(&mut self.is_resting) {
            self.keeper.look(compare);
        }
        if let Some(applied) = self.keeper.applied() {
            self.had_applied = applied;
        }
        let (step, before) = (self.keeper.next(now), now);
        let due = due(step);
        match step {
            Step::Rest => self.is_resting = true,
            Step::Renew { process } => {
                self.renewal = Some(Renewal {
                    process,
                    before,
                    rows: None,
                    due,
                });
                self.waits_for_renewal = holds;
                self.keeper.renewal_sent();
            }
            _ => {
                let stage = Stage::Asked;
                self.talk = Some(Talk {
                    step,
                    before,
                    stage,
                    due,
                });
            }
        }
    }

    /// One instruction of a renewal on its way, or of the server for it.
    fn renew(&mut self, server: Option<&mut Server>, now: u64, rules: &Rules, due: u64) {
        let Some(mut sent) = self.renewal.take_if(|sent| now >= sent.due) else {
            return;
        };
        if let Some(rows) = sent.rows {
            let now = self.clock.at(now);
            let before = if rules.deadline_from_before {
                sent.before
            } else {
                now
            };
            let now = if rules.late_renewal_refused {
                now
            } else {
                before
            };
            self.keeper.renewed(sent.process, before, now, rows);
            return;
        }
        if let Some(server) = server {
            let is_followed = self.keeper.history() == Some(&server.history);
            let count = |state: &mut State| {
                let row = state.lease(sent.process).filter(|_| is_followed);
                row.map_or(0, |row| {
                    row.renewals += 1;
                    1
                })
            };
            let ended = if rules.durable_renewals {
                server.commit(count)
            } else {
                server.commit_unflushed(count)
            };
            if let Ended::Rows(rows) = ended {
                sent.rows = Some(rows);
                sent.due = due;
            }
        }
        self.renewal = Some(sent);
    }

    fn answer(&self, server: &mut Server, step: Step, rules: &Rules, name: Uuid) -> Option<Answer> {
        let rows = |ended| match ended {
            Ended::Rows(rows) => Some(Answer::Rows(rows)),
            Ended::Hangs => None,
        };
        match step {
            Step::Take { former } => {
                let applied = if rules.empty_new_lease {
                    0
                } else {
                    self.had_applied
                };
                let ended = server.commit(|state| {
                    former.map(|former| state.delete(former));
                    state.leases.push(Row {
                        process: name,
                        applied,
                        renewals: 0,
                        length_ms: LENGTH_MS,
                    });
                    1
                });
                (ended == Ended::Rows(1)).then_some(Answer::Taken(name))
            }
            Step::Head => Some(Answer::Head(server.head())),
            Step::Load(_) | Step::CatchUp { .. } | Step::Compare { .. } => {
                Some(Answer::Table(server.head(), server.visible.table))
            }
            Step::Tell { process, applied } => rows(server.commit_unflushed(|state| {
                state.lease(process).map_or(0, |row| {
                    row.applied = applied;
                    1
                })
            })),
            // It goes over a connection of its own.
            Step::Renew { .. } | Step::Rest => None,
        }
    }

    fn hear(&mut self, step: Step, before: Instant, answer: Answer) {
        match (step, answer) {
            (_, Answer::Taken(name)) => self.keeper.taken(name, before),
            (_, Answer::Head(head)) => self.keeper.saw(&head),
            (Step::Tell { applied, .. }, Answer::Rows(rows)) => self.keeper.told(applied, rows),
            (step, answer) => panic!("{answer:?} to {step:?}"),
        }
    }

    /// One instruction of a decision.
    pub(super) fn decide(&mut self, index: usize, now: u64, rules: &Rules) -> Decided {
        let now = self.clock.at(now);
        let decision = &mut self.decisions[index];
        match decision.stage {
            Deciding::Begun => decision.stage = Deciding::Reads(self.gate.edition()),
            Deciding::Reads(edition) => {
                let allows = self.table[decision.device].is_none();
                decision.stage = Deciding::Decided(edition, allows);
            }
            Deciding::Decided(_, false) => return Decided::Denied,
            Deciding::Decided(edition, true) => {
                if rules.lease_looked_at_last && self.gate.standing(now) != Standing::Fresh {
                    return Decided::Denied;
                }
                if !rules.lease_looked_at_last && self.gate.standing(now) == Standing::NotReady {
                    return Decided::Denied;
                }
                if rules.edition_looked_at_last && self.gate.edition() != edition {
                    decision.stage = Deciding::Begun;
                } else if rules.torn_writes {
                    decision.stage = Deciding::Leaves;
                } else {
                    return Decided::Allowed;
                }
            }
            Deciding::Leaves => return Decided::Allowed,
        }
        Decided::Not
    }
}
