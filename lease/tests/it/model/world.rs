//! Everything together, and the dice that say who does something next.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::dice::Dice;
use super::replica::{Decided, Decision, LENGTH_MS, Replica};
use super::server::{DEVICES, Ended, Server, State};
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

/// The rules that a world keeps; all of them unless a test weakens one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule, kept or not")]
pub(super) struct Rules {
    pub(super) fence: bool,
    pub(super) kick_after_fence: bool,
    pub(super) lease_looked_at_last: bool,
    pub(super) edition_looked_at_last: bool,
    pub(super) margin: bool,
    pub(super) durable_renewals: bool,
    pub(super) empty_new_lease: bool,
    pub(super) deadline_from_before: bool,
    pub(super) late_renewal_refused: bool,
    pub(super) look_dated_by_its_question: bool,
    pub(super) history_seen: bool,
    /// A pause may hold an answer back between its last look and its bytes. Then the promise is
    /// only that no broker takes it after `complete`.
    pub(super) torn_writes: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fence: true,
            kick_after_fence: true,
            lease_looked_at_last: true,
            edition_looked_at_last: true,
            margin: true,
            durable_renewals: true,
            empty_new_lease: true,
            deadline_from_before: true,
            late_renewal_refused: true,
            look_dated_by_its_question: true,
            history_seen: true,
            torn_writes: false,
        }
    }
}

/// A process's monotonic clock: it starts anywhere and runs up to 4.5 % too fast or too slow, so two
/// differ by less than a tenth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
    per_mille: u64,
}

impl Clock {
    pub(super) fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_micros(now * self.per_mille / 1_000)
    }
}

/// What happened, to see that the model is no idle one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    commits: u64,
    allows: u64,
    denies: u64,
    lapses: u64,
    fenced_applied: u64,
    fenced_lapsed: u64,
    fenced_gone: u64,
    crashes: u64,
    failovers: u64,
    pauses: u64,
    starts: u64,
}

impl Seen {
    pub(super) fn add(&mut self, more: &Self) {
        self.commits += more.commits;
        self.allows += more.allows;
        self.denies += more.denies;
        self.lapses += more.lapses;
        self.fenced_applied += more.fenced_applied;
        self.fenced_lapsed += more.fenced_lapsed;
        self.fenced_gone += more.fenced_gone;
        self.crashes += more.crashes;
        self.failovers += more.failovers;
        self.pauses += more.pauses;
        self.starts += more.starts;
    }

    pub(super) fn is_rich(&self) -> bool {
        [
            self.commits,
            self.allows,
            self.denies,
            self.lapses,
            self.fenced_applied,
            self.fenced_lapsed,
            self.fenced_gone,
            self.crashes,
            self.failovers,
            self.pauses,
            self.starts,
        ]
        .iter()
        .all(|count| *count >= 20)
    }
}

#[derive(Debug)]
pub(super) struct World {
    rules: Rules,
    dice: Dice,
    /// True time in microseconds, which nobody knows.
    now: u64,
    synchronous: bool,
    /// Feeds, waiter and new links do something once in so many chances.
    feeds_act_once_in: u64,
    waiter_acts_once_in: u64,
    links_come_once_in: u64,
    servers: Vec<Server>,
    replicas: Vec<Replica>,
    waiter: Waiter,
    /// By device: the ban whose fence was reported, and when.
    fenced: [Option<(u64, u64)>; DEVICES],
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
        let waiter = Waiter::new(clock(&mut dice));
        let [feeds_act_once_in, waiter_acts_once_in, links_come_once_in] =
            [[1, 1, 10], [1, 1, 10], [2, 2, 100]].map(|choices| choices[dice.index(3)]);
        let mut world = Self {
            rules,
            dice,
            feeds_act_once_in,
            waiter_acts_once_in,
            links_come_once_in,
            now: 1,
            synchronous,
            servers: vec![Server::new(State::default(), 1, synchronous)],
            replicas: Vec::new(),
            waiter,
            fenced: [None; DEVICES],
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
        match self.dice.below(1_000) {
            0..460 => self.step_feed(),
            460..700 => self.step_decision(),
            700..900 => self.step_waiter(),
            900..920 => self.commit(),
            920..950 => self.current().flush(),
            950..970 => self.current().replicate(),
            970..980 => self.break_link(),
            980..986 => self.pause_replica(),
            986..990 => self.start_replica(),
            990..992 => self.stop_replica(),
            992..994 => self.kill_replica(),
            994..996 => self.crash_database(),
            996..997 => self.fail_over(),
            997..998 => self.restart_waiter(),
            _ => {}
        }
    }

    fn pass_time(&mut self) {
        self.now += match self.dice.below(1_000) {
            0..500 => 1,
            500..980 => self.dice.below(10 * MS),
            980..998 => self.dice.below(300 * MS),
            _ => self.dice.below(LENGTH * 3 / 2),
        };
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
        if self.replicas[index].paused_until > self.now
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
            None if self.dice.once_in(self.links_come_once_in) => {
                let server = self.some_server();
                self.replicas[index].linked(server);
                return;
            }
            None => None,
        };
        let compare = self.dice.once_in(50);
        self.names += 1;
        let name = Uuid::from_u128(self.names);
        let servers = &mut self.servers;
        let server = server.and_then(move |at| servers.get_mut(at));
        let replica = &mut self.replicas[index];
        let lapses = replica.lapses();
        replica.follow(server, self.now, &self.rules, compare, name);
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
                let device = self.dice.index(DEVICES);
                replica.decisions.push(Decision::new(device, self.now));
            }
            return;
        }
        // Mostly one goes on to its end; now and then it is left where it is.
        let chosen = self.dice.index(count);
        for _ in 0..=self.dice.below(5) {
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
        let at = self.some_server();
        for over in self.waiter.step(&self.servers, at, self.now, &self.rules) {
            self.count(&over);
            self.fence_reported(over.device, over.ban.id);
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
        if self.current().visible.table[device].is_none_or(|now| now.id != ban) {
            return; // It was taken back, or lost.
        }
        self.fenced[device] = Some((ban, self.now));
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

    fn break_link(&mut self) {
        if let Some(index) = self.some_replica() {
            let loses_answer = self.dice.once_in(2);
            self.replicas[index].unlink(loses_answer);
        }
    }

    fn pause_replica(&mut self) {
        if let Some(index) = self.some_replica() {
            self.replicas[index].paused_until = self.now + self.dice.below(2 * LENGTH);
            self.seen.pauses += 1;
        }
    }

    fn start_replica(&mut self) {
        if self.replicas.len() < REPLICAS_MAX {
            let clock = clock(&mut self.dice);
            self.replicas.push(Replica::new(clock, self.now));
            self.seen.starts += 1;
        }
    }

    fn stop_replica(&mut self) {
        if let Some(index) = self.some_replica() {
            self.replicas[index].is_stopping = true;
        }
    }

    /// The last answer has left: the lease is given back, if the link lets it.
    fn end_replica(&mut self, index: usize) {
        let mut replica = self.replicas.swap_remove(index);
        if let (Some(name), Some(server)) = (replica.stop(), replica.link)
            && self.servers[server].is_up
        {
            self.servers[server].commit(|state| state.delete(name));
        }
    }

    fn kill_replica(&mut self) {
        if let Some(index) = self.some_replica() {
            self.replicas.swap_remove(index);
        }
    }

    fn crash_database(&mut self) {
        let server = self.servers.len() - 1;
        self.servers[server].crash();
        self.unlink_all(server);
        self.seen.crashes += 1;
    }

    /// The standby takes over. An asynchronous one lacks what it had not got, and the old primary
    /// is surely down; beside a synchronous one it may live on, cut off, without noticing.
    fn fail_over(&mut self) {
        let old = self.servers.len() - 1;
        for server in &mut self.servers[..old] {
            server.is_up = false;
        }
        let lives_on = self.synchronous && self.dice.once_in(2);
        let timeline = u32::try_from(old + 2).expect("few failovers");
        let promoted = Server::new(self.servers[old].standby(), timeline, self.synchronous);
        self.servers[old].is_cut_off = true;
        self.servers[old].is_up = lives_on;
        if !lives_on {
            self.unlink_all(old);
        }
        for (device, fenced) in self.fenced.iter_mut().enumerate() {
            let now = promoted.visible.table[device];
            if fenced.is_some_and(|(id, _)| now.is_none_or(|ban| ban.id != id)) {
                *fenced = None; // It was lost.
            }
        }
        self.servers.push(promoted);
        self.failed_over_at = Some(self.now);
        self.seen.failovers += 1;
    }

    fn unlink_all(&mut self, server: usize) {
        for replica in self.replicas.iter_mut().filter(|r| r.link == Some(server)) {
            replica.unlink(self.dice.once_in(2));
        }
    }

    /// A waiter that starts just after a failover to an asynchronous standby cannot know that a
    /// lease may be lost; this one starts later.
    fn restart_waiter(&mut self) {
        let recent = self
            .failed_over_at
            .is_some_and(|at| self.now < at + 2 * LENGTH);
        if self.synchronous || !recent {
            let clock = clock(&mut self.dice);
            let table = self.current().visible.table;
            self.waiter.restart(clock, self.now, &table);
        }
    }
}

fn clock(dice: &mut Dice) -> Clock {
    Clock {
        start: Instant::now() + Duration::from_secs(dice.below(1_000_000)),
        per_mille: 955 + dice.below(91),
    }
}
