//! Brokers as the hooks meet them when all is not well: pools of connections that go on.
//!
//! Where `load` ends at the first answer that is not the expected one, this tells a shed from a wrong
//! answer and counts. At most `depth` requests are in flight on a connection, as EMQX's client has
//! it; what is meant to be sent beyond that waits here. A connection that is closed is made again at
//! once, and what was in flight on it is sent again, twice at most.

mod connection;
mod drive;
mod seen;
#[cfg(test)]
mod tests;
mod verdict;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub(crate) use self::seen::Seen;

use crate::cpu::Clock;
use crate::fleet::Requests;
use crate::load::Arrival;

/// Requests on one connection at most: EMQX's `enable_pipelining`.
pub(crate) const DEPTH: usize = 100;

/// A time in which requests arrive in one way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phase {
    pub(crate) arrival: Arrival,
    pub(crate) lasts: Duration,
}

/// One run: phase after phase over the same connections, by one thread.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) requests: &'a Requests,
    pub(crate) connections: usize,
    pub(crate) phases: &'a [Phase],
    /// Ends the run before its last phase is over.
    pub(crate) stop: &'a AtomicBool,
    /// The processor that the generator takes.
    pub(crate) cpu: Option<usize>,
    /// The CPU of the server, where it is one process.
    pub(crate) server: Option<&'a Clock>,
    pub(crate) seed: u64,
}

/// Runs, and says what was seen in each phase. An answer counts for the phase in which it came.
///
/// An answer that is no answer to the hooks' contract ends it with an error.
pub(crate) fn run(plan: &Plan<'_>) -> anyhow::Result<Vec<Seen>> {
    std::thread::scope(|scope| {
        // In a thread of its own, so that only that one is pinned.
        let driver = scope.spawn(|| drive::drive(plan));
        driver.join().expect("the generator does not panic")
    })
}
