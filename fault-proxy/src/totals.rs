//! What passed so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the proxy began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Connections that were accepted.
    pub accepted: u64,
    /// Of those, given up because no upstream accepted.
    pub without_upstream: u64,
    /// Of those, reset by [`crate::Proxy::cut`].
    pub cut: u64,
    /// Of those, open now.
    pub open: u64,
    /// Bytes read from clients.
    pub bytes_up: u64,
    /// Bytes read from upstreams.
    pub bytes_down: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) without_upstream: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) ended: AtomicU64,
    pub(crate) bytes_up: AtomicU64,
    pub(crate) bytes_down: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> Totals {
        let of = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        // Read first: a connection that ends in between must not make the difference negative.
        let ended = of(&self.ended);
        let accepted = of(&self.accepted);
        Totals {
            accepted,
            without_upstream: of(&self.without_upstream),
            cut: of(&self.cut),
            open: accepted.saturating_sub(ended),
            bytes_up: of(&self.bytes_up),
            bytes_down: of(&self.bytes_down),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::SeqCst);
}
