//! Everything together, and the dice that say who does something next.

mod faults;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::clock::Clock;
use super::dice::Dice;
use super::replica::{Chance, Decided, Decision, LENGTH_MS, Replica};
use super::rules::Rules;
use super::seen::Seen;
use super::server::{Ban, DEVICES, Ended, Server, State};
use super::waiter::{Waiter, Waiting};

/// Microseconds.
const MS: u64 = 1_000;
const LENGTH: u64 = LENGTH_MS as u64 * MS;

/// What the broker waits for an answer, and what the API waits after the fence: see design section 7.
const ANSWER_TAKEN: u64 = 2_500 * MS;
const SETTLE: u64 = 3_500 * MS;

const REPLICAS_MAX: usize = 5;
const DECISIONS_MAX: usize = 6;
const WAITS_MAX: usize = 8;

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is what a world has or has not"
)]
pub(super) struct World {
    rules: Rules,
    dice: Dice,
    /// True time in microseconds, which nobody knows.
    now: u64,
    synchronous: bool,
    /// Feeds, waiter and new links do something once in so many chances.
    feeds_act_once_in: u64,
    waiter_acts_once_in: u64,
    standby_gets_once_in: u64,
    has_jumps: bool,
    has_churn: bool,
    has_faults: bool,
    servers: Vec<Server>,
    replicas: Vec<Replica>,
    waiter: Waiter,
    /// By device: the ban whose fence was reported, and when.
    fenced: [Option<(u64, u64)>; DEVICES],
    last_fenced: usize,
    /// Bans that were taken back. A failover can lose the taking back, and the ban stands again;
    /// who applied what was lost may allow until it looks or lapses. No wait for the ban covers that.
    taken_back: BTreeSet<u64>,
    sessions: [bool; DEVICES],
    failed_over_at: Option<u64>,
    names: u128,
    bans: u64,
    violation: Option<String>,
    seen: Seen,
}

impl World {
    pub(super) fn new(rules: Rules, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let synchronous = dice.once_in(2);
        let waiter = Waiter::new(Clock::some(&mut dice));
        let [feeds, waiter_acts, standby] =
            [[1, 1, 10], [1, 1, 10], [1, 5, 40]].map(|all| all[dice.index(3)]);
        let [has_jumps, has_churn, has_faults] = [2, 2, 2].map(|n| dice.once_in(n));
        let mut world = Self {
            rules,
            dice,
            feeds_act_once_in: feeds,
            waiter_acts_once_in: waiter_acts,
            standby_gets_once_in: standby,
            has_jumps,
            has_churn,
            has_faults,
            now: 1,
            synchronous,
            servers: vec![Server::new(State::default(), 1, synchronous)],
            replicas: Vec::new(),
            waiter,
            fenced: [None; DEVICES],
            last_fenced: 0,
            taken_back: BTreeSet::new(),
            sessions: [false; DEVICES],
            failed_over_at: None,
            names: 0,
            bans: 0,
            violation: None,
            seen: Seen::default(),
        };
        for _ in 0..3 {
            world.start_replica();
        }
        world
    }

    pub(super) fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn step(&mut self) {
        self.pass_time();
        match self.dice.below(10_000) {
            0..4_600 => self.step_feed(),
            4_600..7_000 => self.step_decision(),
            7_000..9_000 => self.step_waiter(),
            9_000..9_500 => self.commit(),
            9_500..9_600 => self.current().flush(),
            9_600..9_800 if self.dice.once_in(self.standby_gets_once_in) => {
                self.current().replicate();
            }
            9_800..9_830 => self.break_link(),
            9_830..9_860 => self.pause_replica(),
            9_860..9_870 if self.has_churn || self.replicas.len() < 2 => self.start_replica(),
            9_870..9_875 if self.has_churn => self.stop_replica(),
            9_875..9_880 if self.has_churn => self.kill_replica(),
            9_880..9_900 if self.has_faults => self.crash_database(),
            9_900..9_904 if self.has_faults => self.fail_over(),
            9_904..9_905 => self.restart_waiter(),
            _ => {}
        }
    }

    fn pass_time(&mut self) {
        self.now += match self.dice.below(1_000) {
            0..500 => 1,
            500..980 => self.dice.below(10 * MS),
            980..998 => self.dice.below(50 * MS),
            _ if !self.has_jumps => self.dice.below(300 * MS),
            _ => self.dice.below(LENGTH * 3 / 2),
        };
    }

    /// Mostly a message comes when it is looked for; some are late, and a few very late.
    fn delay(&mut self) -> u64 {
        match self.dice.below(1_000) {
            0..900 => 0,
            900..993 => self.dice.below(100 * MS),
            _ => self.dice.below(LENGTH * 3 / 2),
        }
    }

    fn current(&mut self) -> &mut Server {
        self.servers.last_mut().expect("there always is one")
    }

    /// Mostly the primary; sometimes one that was, and does not know that it is none any more.
    fn some_server(&mut self) -> usize {
        let newest = self.servers.len() - 1;
        if newest > 0 && self.servers[newest - 1].is_up && self.dice.once_in(5) {
            newest - 1
        } else {
            newest
        }
    }

    fn some_replica(&mut self) -> Option<usize> {
        let count = self.replicas.len();
        (count > 0).then(|| self.dice.index(count))
    }

    fn step_feed(&mut self) {
        let Some(index) = self.some_replica() else {
            return;
        };
        let is_paused = self.replicas[index].paused_until > self.now;
        let renewal = self.replicas[index].is_renewing() && self.dice.once_in(2);
        if (is_paused && !self.replicas[index].waits_for_server(self.now, renewal))
            || !self.dice.once_in(self.feeds_act_once_in)
        {
            return;
        }
        if self.replicas[index].is_stopping && self.replicas[index].decisions.is_empty() {
            self.end_replica(index);
            return;
        }
        let server = match self.replicas[index].link {
            Some(server) if self.servers[server].is_up => Some(server),
            Some(_) => {
                self.replicas[index].unlink(false);
                None
            }
            // A link that broke is given up before another is made: what it had answered is heard
            // before, or never.
            None if self.now >= self.replicas[index].away_until
                && !self.replicas[index].hears() =>
            {
                let server = self.some_server();
                self.replicas[index].linked(server);
                return;
            }
            None => None,
        };
        self.names += 1;
        let chance = Chance {
            compare: self.dice.once_in(50),
            holds: self.dice.once_in(2),
            renewal,
            name: Uuid::from_u128(self.names),
            delay: self.delay(),
            renewal_delay: if self.dice.once_in(8) {
                self.dice.below(LENGTH * 5 / 4)
            } else {
                0
            },
        };
        // A renewal has a connection of its own, which may lead to another server.
        let server = match server {
            Some(_) if renewal && self.dice.once_in(20) => {
                Some(self.some_server()).filter(|at| self.servers[*at].is_up)
            }
            linked => linked,
        };
        let servers = &mut self.servers;
        let server = server.and_then(move |at| servers.get_mut(at));
        let replica = &mut self.replicas[index];
        let lapses = replica.lapses();
        replica.follow(server, self.now, &self.rules, chance);
        self.seen.lapses += replica.lapses() - lapses;
    }

    fn step_decision(&mut self) {
        let Some(index) = self.some_replica() else {
            return;
        };
        let replica = &mut self.replicas[index];
        if replica.paused_until > self.now {
            return;
        }
        let count = replica.decisions.len();
        if count == 0 || (count < DECISIONS_MAX && self.dice.once_in(4)) {
            if !replica.is_stopping {
                // Mostly for what is just being forbidden: only that can be let in wrongly.
                let waits = &self.waiter.waits;
                let device = match self.dice.index(4) {
                    n @ 0..2 if n < waits.len() => waits[n].device,
                    2 => self.last_fenced,
                    _ => self.dice.index(DEVICES),
                };
                replica.decisions.push(Decision::new(device, self.now));
            }
            return;
        }
        // Mostly one goes on to its end; now and then it is left where it is.
        let chosen = self.dice.index(count);
        let instructions = self.dice.below(6);
        self.run(index, chosen, instructions);
    }

    /// Lets a decision run for some instructions, or to its end.
    fn run(&mut self, index: usize, chosen: usize, instructions: u64) {
        for _ in 0..instructions {
            let replica = &mut self.replicas[index];
            match replica.decide(chosen, self.now, &self.rules) {
                Decided::Not => {}
                Decided::Denied => {
                    replica.decisions.swap_remove(chosen);
                    self.seen.denies += 1;
                    return;
                }
                Decided::Allowed => {
                    let decision = replica.decisions.swap_remove(chosen);
                    self.seen.allows += 1;
                    self.allowed(&decision);
                    return;
                }
            }
        }
    }

    /// The moment after a fence was reported is when a mistake shows: everybody is asked.
    fn probe(&mut self, device: usize) {
        for index in 0..self.replicas.len() {
            let replica = &mut self.replicas[index];
            if replica.is_stopping || (replica.paused_until > self.now && self.dice.once_in(2)) {
                continue;
            }
            replica.decisions.push(Decision::new(device, self.now));
            for chosen in (0..replica.decisions.len()).rev() {
                if self.replicas[index].decisions[chosen].device == device {
                    self.run(index, chosen, 10);
                }
            }
        }
    }

    /// Bytes of an allow leave.
    fn allowed(&mut self, decision: &Decision) {
        let device = decision.device;
        if self.now - decision.asked_at > ANSWER_TAKEN && self.rules.torn_writes {
            return; // The broker gave it up.
        }
        self.sessions[device] = true;
        let Some(ban) = self.current().visible.table[device] else {
            return;
        };
        if let Some((fenced, at)) = self.fenced[device]
            && fenced == ban.id
            && (!self.rules.torn_writes || self.now > at + SETTLE)
        {
            self.violation = Some(format!(
                "an allow for device {device} left {} ms after the fence for change {}",
                (self.now - at) / MS,
                ban.number
            ));
        }
    }

    fn step_waiter(&mut self) {
        if !self.dice.once_in(self.waiter_acts_once_in) {
            return;
        }
        let (at, delay) = (self.some_server(), self.delay());
        for over in self
            .waiter
            .step(&self.servers, at, self.now, &self.rules, delay)
        {
            self.count(&over);
            self.fence_reported(over.device, over.ban.id);
            if self.dice.once_in(2) {
                self.probe(over.device);
            }
        }
    }

    fn count(&mut self, over: &Waiting) {
        for how in over.hows() {
            match how {
                lease::How::Applied => self.seen.fenced_applied += 1,
                lease::How::Lapsed => self.seen.fenced_lapsed += 1,
                lease::How::Gone => self.seen.fenced_gone += 1,
            }
        }
    }

    fn fence_reported(&mut self, device: usize, ban: u64) {
        let is_other = |now: Option<Ban>| now.is_none_or(|now| now.id != ban);
        if is_other(self.current().visible.table[device]) || self.taken_back.contains(&ban) {
            return; // It was taken back, or lost.
        }
        self.fenced[device] = Some((ban, self.now));
        self.last_fenced = device;
        if self.rules.kick_after_fence {
            self.sessions[device] = false;
        } else if self.sessions[device] {
            let text = format!("a session of device {device} outlives its kick");
            self.violation = Some(text);
        }
    }

    fn commit(&mut self) {
        let device = self.dice.index(DEVICES);
        let is_forbidden = self.current().visible.table[device].is_some();
        if !is_forbidden && self.waiter.waits.len() >= WAITS_MAX {
            return;
        }
        // A ban that is lifted before its fence was reported tries nothing.
        let lifted_once_in = if self.fenced[device].is_some() {
            2
        } else {
            100
        };
        if is_forbidden && !self.dice.once_in(lifted_once_in) {
            return;
        }
        let taken_back = self.current().visible.table[device].map(|ban| ban.id);
        self.taken_back.extend(taken_back);
        self.bans += 1;
        let id = (!is_forbidden).then_some(self.bans);
        let ended = self.current().commit(|state| {
            state.change(device, id);
            1
        });
        assert_eq!(ended, Ended::Rows(1), "the primary is never cut off");
        self.seen.commits += 1;
        self.fenced[device] = None;
        let Some(ban) = self.current().visible.table[device] else {
            return;
        };
        if !self.rules.kick_after_fence {
            self.sessions[device] = false;
        }
        if self.rules.fence {
            self.waiter.wait(device, ban, self.now);
        } else {
            self.fence_reported(device, ban.id);
        }
    }
}
