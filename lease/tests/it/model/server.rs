//! A database server: what is visible, what is on its disk, what its standby has.

use lease::{Head, History, Row};
use uuid::Uuid;

pub(super) const DEVICES: usize = 4;

/// What forbids a device: the change's number, and a name that no other change ever has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ban {
    pub(super) number: i64,
    pub(super) id: u64,
}

/// Which devices are forbidden.
pub(super) type Table = [Option<Ban>; DEVICES];

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) newest: i64,
    pub(super) table: Table,
    pub(super) leases: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) visible: State,
    flushed: State,
    standby: State,
    pub(super) history: History,
    pub(super) is_up: bool,
    /// Its standby was promoted: what waits for the standby waits for ever.
    pub(super) is_cut_off: bool,
    synchronous: bool,
}

/// How a statement ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Rows(u64),
    /// It waits for a standby that will never answer.
    Hangs,
}

impl Server {
    pub(super) fn new(state: State, timeline: u32, synchronous: bool) -> Self {
        Self {
            visible: state.clone(),
            flushed: state.clone(),
            standby: state,
            history: History {
                epoch: Uuid::from_u128(1),
                system_identifier: 1,
                timeline: format!("{timeline:08X}"),
            },
            is_up: true,
            is_cut_off: false,
            synchronous,
        }
    }

    pub(super) fn head(&self) -> Head {
        Head {
            number: self.visible.newest,
            history: self.history.clone(),
        }
    }

    /// A commit that is flushed, and waits for the standby where that is synchronous.
    pub(super) fn commit(&mut self, change: impl FnOnce(&mut State) -> u64) -> Ended {
        if self.synchronous && self.is_cut_off {
            return Ended::Hangs;
        }
        let rows = change(&mut self.visible);
        self.flush();
        if self.synchronous {
            self.replicate();
        }
        Ended::Rows(rows)
    }

    /// A commit that waits for nothing.
    pub(super) fn commit_unflushed(&mut self, change: impl FnOnce(&mut State) -> u64) -> Ended {
        Ended::Rows(change(&mut self.visible))
    }

    pub(super) fn flush(&mut self) {
        self.flushed = self.visible.clone();
    }

    pub(super) fn replicate(&mut self) {
        self.standby = self.flushed.clone();
    }

    /// It comes back with what was on its disk.
    pub(super) fn crash(&mut self) {
        self.visible = self.flushed.clone();
    }

    pub(super) fn standby(&self) -> State {
        self.standby.clone()
    }
}

impl State {
    pub(super) fn lease(&mut self, process: Uuid) -> Option<&mut Row> {
        self.leases.iter_mut().find(|row| row.process == process)
    }

    pub(super) fn delete(&mut self, process: Uuid) -> u64 {
        let before = self.leases.len();
        self.leases.retain(|row| row.process != process);
        (before - self.leases.len()) as u64
    }

    /// Forbids or allows a device again.
    pub(super) fn change(&mut self, device: usize, id: Option<u64>) -> i64 {
        self.newest += 1;
        let number = self.newest;
        self.table[device] = id.map(|id| Ban { number, id });
        number
    }
}
