//! The replica's half: what to ask of the database next, and what its answers mean.
//!
//! The order is the proof. A lease is committed before the look that allows under it begins, so
//! whoever waits for a change either sees the lease and waits for it, or committed before the look
//! and is contained in it. Everything that makes the applied number doubtful ends allowing first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::head::{Doubt, Head, History};
use crate::term::Term;
use crate::{Gate, Standing};

/// What to do next. Every step but [`Step::Rest`] asks the database. Its answer is given back to the
/// [`Keeper`] before it is asked again, except that of [`Step::Renew`], which nothing waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Commit a lease under a new name, on disk, saying that nothing is applied; remove the row of
    /// the former one. Answer with [`Keeper::taken`].
    Take {
        /// A lease that lapsed.
        former: Option<Uuid>,
    },
    /// Read the newest number and the history. Answer with [`Keeper::saw`].
    Head,
    /// Load everything in one snapshot and publish it. Answer with [`Keeper::holds`].
    Load(Option<Doubt>),
    /// Apply what came after a number. Answer with [`Keeper::caught_up`], or load everything.
    CatchUp {
        /// What is applied already.
        after: i64,
    },
    /// Compare everything with one snapshot and publish that. Answer with [`Keeper::holds`], or with
    /// [`Keeper::look`] if the snapshot is of another history.
    Compare {
        /// What is applied already.
        after: i64,
    },
    /// Say what is applied; no need to wait for the server's disk. Answer with [`Keeper::told`].
    Tell {
        /// The lease's name.
        process: Uuid,
        /// What to say.
        applied: i64,
    },
    /// Send a renewal, which counts up on disk, on a connection of its own. Say so with
    /// [`Keeper::renewal_sent`] and go on: a disk that is slow then holds up no change. Answer with
    /// [`Keeper::renewed`] whenever it is there.
    Renew {
        /// The lease's name.
        process: Uuid,
    },
    /// Wait for a hint or a while, then call [`Keeper::look`].
    Rest,
}

/// Keeps one replica's lease, and opens and shuts its gate.
#[derive(Debug)]
pub struct Keeper {
    length: Duration,
    gate: Arc<Gate>,
    applied: Option<Head>,
    doubt: Option<Doubt>,
    term: Option<Term>,
    /// The lease before, whose row nobody needs to wait for any more.
    former: Option<Uuid>,
    phase: Phase,
    lapses: u64,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Look { compare: bool },
    Load,
    CatchUp,
    Compare,
    Report,
    Rest,
}

impl Keeper {
    /// Begins with nothing applied and no lease. `length` is `H`.
    pub fn new(length: Duration, gate: Arc<Gate>) -> Self {
        Self {
            length,
            gate,
            applied: None,
            doubt: None,
            term: None,
            former: None,
            phase: Phase::Look { compare: false },
            lapses: 0,
        }
    }

    /// How often a lease ran out or was lost.
    pub fn lapses(&self) -> u64 {
        self.lapses
    }

    /// The newest change that the table has.
    pub fn applied(&self) -> Option<i64> {
        self.applied.as_ref().map(|head| head.number)
    }

    /// The history that the applied number belongs to. A renewal counts in this one only.
    pub fn history(&self) -> Option<&History> {
        self.applied.as_ref().map(|head| &head.history)
    }

    /// Whether `head` is of the history that was applied.
    pub fn is_of_its_history(&self, head: &Head) -> bool {
        let applied = self.applied.as_ref();
        applied.is_some_and(|applied| applied.history == head.history)
    }

    /// There is a new link to a database, which may be another one or may have crashed meanwhile.
    pub fn linked(&mut self) {
        self.phase = Phase::Look { compare: false };
        if let Some(term) = &mut self.term {
            term.linked();
        }
    }

    /// After a rest: looks again, and compares everything if asked to.
    pub fn look(&mut self, compare: bool) {
        self.phase = Phase::Look { compare };
    }

    /// What to do next. Without a lease that still runs it is always to take one and to look anew.
    pub fn next(&mut self, now: Instant) -> Step {
        if self.term.as_ref().is_some_and(|term| term.has_lapsed(now)) {
            self.lapse();
        }
        let Some(term) = &self.term else {
            self.phase = Phase::Look { compare: false };
            return Step::Take {
                former: self.former,
            };
        };
        let Some(applied) = self.applied() else {
            return match self.phase {
                Phase::Load => Step::Load(self.doubt),
                _ => Step::Head,
            };
        };
        match self.phase {
            Phase::Look { .. } => Step::Head,
            Phase::Load => Step::Load(self.doubt),
            Phase::CatchUp => Step::CatchUp { after: applied },
            Phase::Compare => Step::Compare { after: applied },
            Phase::Rest => Step::Rest,
            Phase::Report => {
                let process = term.process;
                let is_due = term.is_due(now) || self.gate.standing(now) != Standing::Fresh;
                // While a renewal is on its way to the disk it holds the row that a tell would change.
                if !term.is_renewing && is_due {
                    Step::Renew { process }
                } else if !term.is_renewing && term.has_news(applied) {
                    Step::Tell { process, applied }
                } else {
                    self.phase = Phase::Rest;
                    Step::Rest
                }
            }
        }
    }

    /// A lease was committed under this name; `before` is the instant before it was asked for.
    pub fn taken(&mut self, process: Uuid, before: Instant) {
        self.term = Some(Term::begin(process, self.length, before));
        self.former = None;
    }

    /// The database says that this is the newest change.
    pub fn saw(&mut self, head: &Head) {
        let Phase::Look { compare } = self.phase else {
            return;
        };
        let Some(applied) = &self.applied else {
            self.phase = Phase::Load;
            return;
        };
        if let Some(doubt) = Doubt::of(applied, head) {
            // The lease may stand in another history, where nobody waits for it.
            self.applied = None;
            self.doubt = Some(doubt);
            self.lapse();
            return;
        }
        self.phase = match (compare, head.number > applied.number) {
            (true, _) => Phase::Compare,
            (false, true) => Phase::CatchUp,
            (false, false) => Phase::Report,
        };
    }

    /// The table is now what the database was at this head, and every read sees it.
    pub fn holds(&mut self, head: Head) {
        self.gate.next_edition();
        self.applied = Some(head);
        self.doubt = None;
        self.phase = Phase::Report;
    }

    /// Every change up to this one is applied, and every read sees it.
    pub fn caught_up(&mut self, number: i64) {
        self.gate.next_edition();
        if let Some(applied) = &mut self.applied {
            applied.number = number;
        }
        self.phase = Phase::Report;
    }

    /// What was applied was told; `rows` is how many rows that changed.
    pub fn told(&mut self, applied: i64, rows: u64) {
        match &mut self.term {
            Some(term) if rows == 1 => term.told(applied),
            _ => self.lapse(),
        }
    }

    /// The renewal that was asked for is on its way.
    pub fn renewal_sent(&mut self) {
        if let Some(term) = &mut self.term {
            term.is_renewing = true;
        }
    }

    /// A renewal was answered. `before` is the instant before it was sent, `now` one after the
    /// answer, `rows` how many rows it changed. Says whether the lease goes on by it; an answer for a
    /// lease that is gone already says nothing.
    pub fn renewed(&mut self, process: Uuid, before: Instant, now: Instant, rows: u64) -> bool {
        let term = self.term.as_mut().filter(|term| term.process == process);
        let Some(term) = term else {
            return false;
        };
        term.is_renewing = false;
        let until = if rows == 1 {
            term.renewed(before, now)
        } else {
            None
        };
        if let Some(until) = until {
            self.gate.open_until(until);
            if matches!(self.phase, Phase::Rest) {
                self.phase = Phase::Report; // What was applied meanwhile was not told.
            }
        } else {
            self.lapse();
        }
        until.is_some()
    }

    /// Ends allowing for good and gives the name of the lease to delete.
    pub fn stop(&mut self) -> Option<Uuid> {
        self.gate.shut();
        self.term.take().map(|term| term.process)
    }

    /// Ends allowing. The next lease is taken under a new name and removes this one's row.
    fn lapse(&mut self) {
        self.gate.shut();
        if let Some(term) = self.term.take() {
            self.former = Some(term.process);
            self.lapses += 1;
        }
    }
}
