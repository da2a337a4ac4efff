//! Revocation lists of the device authorities: signed by one replica at a time, served by all.
//!
//! A certificate is born with its shard's URL, and the shard's list says in a critical extension that
//! it covers that URL alone (RFC 5280 section 5.2.5). The rows of `crl_list` are the truth: whoever
//! holds a row's lock signs it. Every replica keeps what was last signed in memory, so that a request
//! for a list never reaches the database, and an outage of the database does not reach verifiers.
//!
//! It never signs because somebody asked for a list, and never serves one that was not committed.

use time::Duration;
use tokio::sync::{Notify, Semaphore};

use self::points::Points;
use self::shelf::Shelf;

pub(crate) mod keeper;
mod make;
pub(crate) mod points;
pub(crate) mod shelf;

/// Requests at once on the lists' own listener; more are refused with `busy`.
const IN_FLIGHT_MAX: usize = 256;

/// What the lists' parts share.
pub(crate) struct Lists {
    /// What new certificates name.
    pub(crate) points: Points,
    /// What is served.
    pub(crate) shelf: Shelf,
    /// From a list's making to its `nextUpdate`.
    pub(crate) valid: Duration,
    /// A bound for requests on the lists' own listener.
    pub(crate) in_flight: Semaphore,
    wake: Notify,
}

impl Lists {
    /// Nothing is signed or known yet.
    pub(crate) fn new(points: Points, valid: Duration) -> Self {
        Self {
            points,
            shelf: Shelf::default(),
            valid,
            in_flight: Semaphore::new(IN_FLIGHT_MAX),
            wake: Notify::new(),
        }
    }

    /// Wakes who signs; call it after a commit that revoked something. Other replicas find it by
    /// their poll.
    pub(crate) fn outdate(&self) {
        self.wake.notify_one();
    }
}
