//! Whoever waits for changes: one look at a time, for all of them.

use std::time::Instant;

use lease::{How, Judge, Look, Row, Wait};

use super::clock::Clock;
use super::rules::Rules;
use super::server::{Ban, Server, State, Table};

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) clock: Clock,
    judge: Judge,
    pub(super) waits: Vec<Waiting>,
    look: Option<Looking>,
    /// Whether it knows any history since it started.
    pub(super) has_looked: bool,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) device: usize,
    pub(super) ban: Ban,
    wait: Wait,
}

#[derive(Debug)]
struct Looking {
    sent: Instant,
    server: usize,
    found: Option<(State, lease::History)>,
    /// True time before which the message is on its way.
    due: u64,
}

impl Waiting {
    /// How each lease ended.
    pub(super) fn hows(&self) -> impl Iterator<Item = How> + '_ {
        self.wait
            .leases()
            .filter_map(|(_, verdict)| Some(verdict?.how))
    }
}

impl Waiter {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            judge: Judge::default(),
            waits: Vec::new(),
            look: None,
            has_looked: false,
        }
    }

    /// Forgets everything but what the database tells it to wait for.
    pub(super) fn restart(&mut self, clock: Clock, now: u64, table: &Table) {
        let waits = std::mem::take(&mut self.waits);
        *self = Self::new(clock);
        for waiting in waits {
            if table[waiting.device] == Some(waiting.ban) {
                self.wait(waiting.device, waiting.ban, now);
            }
        }
    }

    pub(super) fn wait(&mut self, device: usize, ban: Ban, now: u64) {
        self.waits.push(Waiting {
            device,
            ban,
            wait: Wait::new(ban.number, self.clock.at(now)),
        });
    }

    /// One instruction. Gives the waits that are over.
    pub(super) fn step(
        &mut self,
        servers: &[Server],
        at: usize,
        now: u64,
        rules: &Rules,
        delay: u64,
    ) -> Vec<Waiting> {
        if self.look.as_ref().is_some_and(|look| now < look.due) {
            return Vec::new();
        }
        let due = now + delay;
        let now = self.clock.at(now);
        match self.look.take() {
            None => {
                self.look = Some(Looking {
                    sent: now,
                    server: at,
                    found: None,
                    due,
                });
            }
            Some(mut looking) if looking.found.is_none() => {
                let server = &servers[looking.server];
                if server.is_up {
                    looking.found = Some((server.visible.clone(), server.history.clone()));
                    self.look = Some(Looking { due, ..looking });
                }
            }
            Some(looking) => return self.see(looking, now, rules),
        }
        Vec::new()
    }

    fn see(&mut self, looking: Looking, received: Instant, rules: &Rules) -> Vec<Waiting> {
        let Some((mut state, mut history)) = looking.found else {
            return Vec::new();
        };
        if !rules.margin {
            // So that with the tenth on top it is the length itself.
            let shorten = |row: &mut Row| row.length_ms = row.length_ms * 10 / 11;
            state.leases.iter_mut().for_each(shorten);
        }
        if !rules.history_seen {
            "00000001".clone_into(&mut history.timeline);
        }
        let look = Look {
            sent: if rules.look_dated_by_its_question {
                looking.sent
            } else {
                received
            },
            received,
            newest: state.newest,
            history: &history,
            rows: &state.leases,
        };
        self.judge.look(&look);
        self.has_looked = true;
        let judge = &self.judge;
        self.waits
            .extract_if(.., |waiting| waiting.wait.look(judge, &look))
            .collect()
    }
}
