//! What goes wrong: links break, processes pause, start, stop and die, the database crashes and fails over.

use super::{Clock, LENGTH, MS, REPLICAS_MAX, Replica, Server, World};

impl World {
    pub(super) fn break_link(&mut self) {
        if let Some(index) = self.some_replica() {
            let loses_answer = self.dice.once_in(2);
            self.replicas[index].away_until = self.now + self.some_while();
            self.replicas[index].unlink(loses_answer);
        }
    }

    pub(super) fn pause_replica(&mut self) {
        if let Some(index) = self.some_replica() {
            self.replicas[index].paused_until = self.now + self.some_while();
            self.seen.pauses += 1;
        }
    }

    pub(super) fn start_replica(&mut self) {
        if self.replicas.len() < REPLICAS_MAX {
            let clock = Clock::some(&mut self.dice);
            self.replicas.push(Replica::new(clock, self.now));
            self.seen.starts += 1;
        }
    }

    pub(super) fn stop_replica(&mut self) {
        if let Some(index) = self.some_replica() {
            self.replicas[index].is_stopping = true;
        }
    }

    /// The last answer has left: the lease is given back, if the link lets it.
    pub(super) fn end_replica(&mut self, index: usize) {
        let mut replica = self.replicas.swap_remove(index);
        if let (Some(name), Some(server)) = (replica.stop(), replica.link)
            && self.servers[server].is_up
        {
            self.servers[server].commit(|state| state.delete(name));
        }
    }

    pub(super) fn kill_replica(&mut self) {
        if let Some(index) = self.some_replica() {
            self.replicas.swap_remove(index);
        }
    }

    pub(super) fn crash_database(&mut self) {
        let server = self.servers.len() - 1;
        self.servers[server].crash();
        self.unlink_all(server);
        self.seen.crashes += 1;
    }

    /// The standby takes over. An asynchronous one lacks what it had not got, and the old primary
    /// is surely down; beside a synchronous one it may live on, cut off, without noticing.
    pub(super) fn fail_over(&mut self) {
        if !self.synchronous && !self.waiter.has_looked {
            return; // See `restart_waiter`.
        }
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

    pub(super) fn unlink_all(&mut self, server: usize) {
        for index in 0..self.replicas.len() {
            if self.replicas[index].link == Some(server) {
                let loses_answer = self.dice.once_in(2);
                self.replicas[index].away_until = self.now + self.some_while();
                self.replicas[index].unlink(loses_answer);
            }
        }
    }

    /// Mostly short; sometimes long enough for a lease to run out.
    pub(super) fn some_while(&mut self) -> u64 {
        if self.dice.once_in(3) {
            self.dice.below(2 * LENGTH)
        } else {
            self.dice.below(100 * MS)
        }
    }

    /// A waiter whose first look comes just after a failover to an asynchronous standby cannot know
    /// that a lease may be lost: what the promise does not cover. This one starts later, and there
    /// is no such failover before its first look.
    pub(super) fn restart_waiter(&mut self) {
        let recent = self
            .failed_over_at
            .is_some_and(|at| self.now < at + 2 * LENGTH);
        if self.synchronous || !recent {
            let clock = Clock::some(&mut self.dice);
            let table = self.current().visible.table;
            self.waiter.restart(clock, self.now, &table);
        }
    }
}
