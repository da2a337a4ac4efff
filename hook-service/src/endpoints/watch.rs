//! What a connection's peer has sent and not finished, and what it is owed.
//!
//! A timer for each request would cost more than answering it. So socket and requests leave marks
//! here, which cost a store each, and the connection looks at them every now and then: it is closed
//! when a request does not come to its end, or when its peer does not read. They are of one
//! connection, whose one task alone writes them, and no allow ever follows from them.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tokio::time::Instant;

use super::body::collect;
use crate::decide::Deny;
use crate::overload::ALL;

/// How long a request may take to arrive, from the first byte of its head to the last of its body.
/// EMQX writes both at once, and itself gives up after 2 seconds. A connection may stay for twice as
/// long, because it looks at its marks only so often.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);

/// A connection may stand idle for this long. EMQX keeps its pool open; closing early costs it a
/// reconnect in the middle of a storm.
const IDLE_TIME_MAX: Duration = Duration::from_secs(600);

/// Answers that a peer may leave unread, in bytes: a thousand of the longest. EMQX has at most a
/// hundred requests in flight unless it is configured otherwise.
const OWED_BYTES_MAX: u32 = 1 << 20;

/// The head of an answer takes about this many bytes.
const HEAD_BYTES: u32 = 128;

/// The marks of one connection.
#[derive(Debug)]
pub struct Watch {
    /// What `allow_since_ms` counts from.
    started: std::time::Instant,
    /// What everything else counts from: limits are seen by tests whose time jumps.
    origin: Instant,
    /// Milliseconds after `origin` when something was read last.
    read_ms: AtomicU32,
    /// Requests whose head was read.
    begun: AtomicU32,
    /// Requests that were answered.
    answered: AtomicU32,
    /// Milliseconds after `origin` plus one since when a request is not whole; 0 if none is.
    unfinished_ms: AtomicU32,
    /// Bytes of answers that the socket has not taken, about.
    owed_bytes: AtomicU32,
    /// Everything that came was taken up and every answer has left.
    flushed: AtomicBool,
    /// Requests that may still be decided in this turn.
    allowance: AtomicU32,
    /// When the last turn ended, by the clock of [`crate::overload::Overload`].
    turn_ended_ns: AtomicU64,
    /// Requests were answered without the HTTP library in this turn.
    at_once: AtomicBool,
    /// Something is left to do in this turn.
    goes_on: AtomicBool,
    /// Milliseconds after `started` plus one of the oldest allow that waits to be written.
    allow_since_ms: AtomicU64,
    /// A body was not read to its end, so nobody knows where the next request begins.
    lost: AtomicBool,
}

/// A peer does not read its answers.
#[derive(Debug, thiserror::Error)]
#[error("the peer left more than {OWED_BYTES_MAX} bytes of answers unread")]
pub struct Unread;

impl Watch {
    /// Starts with nothing unfinished and nothing owed.
    pub fn new(started: std::time::Instant) -> Self {
        Self {
            started,
            origin: Instant::now(),
            read_ms: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            answered: AtomicU32::new(0),
            unfinished_ms: AtomicU32::new(0),
            owed_bytes: AtomicU32::new(0),
            flushed: AtomicBool::new(true),
            allowance: AtomicU32::new(ALL),
            turn_ended_ns: AtomicU64::new(0),
            at_once: AtomicBool::new(false),
            goes_on: AtomicBool::new(false),
            allow_since_ms: AtomicU64::new(0),
            lost: AtomicBool::new(false),
        }
    }

    /// Bytes were read from the socket.
    pub fn read(&self) {
        let now = self.now_ms();
        self.read_ms.store(now, Relaxed);
        if self.unfinished_ms.load(Relaxed) == 0 {
            self.unfinished_ms.store(now.wrapping_add(1), Relaxed);
        }
    }

    /// Bytes are given to the HTTP library.
    pub fn handed(&self) {
        self.flushed.store(false, Relaxed);
    }

    /// A request's head was read.
    pub fn begin(&self) {
        let begun = self.begun.load(Relaxed);
        self.begun.store(begun.wrapping_add(1), Relaxed);
    }

    /// Requests whose head was read so far; wraps.
    pub fn begun(&self) -> u32 {
        self.begun.load(Relaxed)
    }

    /// An answer with a body of this length was made.
    pub fn answered(&self, body_bytes: u64) -> Result<(), Unread> {
        let answered = self.answered.load(Relaxed);
        self.answered.store(answered.wrapping_add(1), Relaxed);
        let body_bytes = u32::try_from(body_bytes).unwrap_or(OWED_BYTES_MAX);
        let owed = self.owed_bytes.load(Relaxed);
        let owed = owed.saturating_add(body_bytes).saturating_add(HEAD_BYTES);
        self.owed_bytes.store(owed, Relaxed);
        if owed > OWED_BYTES_MAX {
            return Err(Unread);
        }
        Ok(())
    }

    /// The HTTP library has nothing left to read and nothing left to write.
    pub fn flushed(&self) {
        self.owed_bytes.store(0, Relaxed);
        self.flushed.store(true, Relaxed);
    }

    /// A turn begins, in which so many requests may be decided.
    pub fn turn_begins(&self, allowance: u32) {
        self.allowance.store(allowance, Relaxed);
    }

    /// Takes one request of the turn's allowance, if there is one left.
    pub fn may_decide(&self) -> bool {
        match self.allowance.load(Relaxed) {
            ALL => true,
            0 => false,
            allowance => {
                self.allowance.store(allowance - 1, Relaxed);
                true
            }
        }
    }

    /// The turn ended, by the clock of [`crate::overload::Overload`].
    pub fn turn_ended(&self, at_ns: u64) {
        self.turn_ended_ns.store(at_ns, Relaxed);
    }

    /// When the last turn ended.
    pub fn turn_ended_ns(&self) -> u64 {
        self.turn_ended_ns.load(Relaxed)
    }

    /// The connection has more to do, which nobody will wake it for.
    pub fn go_on(&self) {
        self.goes_on.store(true, Relaxed);
    }

    /// Whether that was said since this was asked last.
    pub fn goes_on(&self) -> bool {
        let goes_on = self.goes_on.load(Relaxed);
        if goes_on {
            self.goes_on.store(false, Relaxed);
        }
        goes_on
    }

    /// An allow was made and waits to be written.
    pub fn note_allow(&self) {
        if self.allow_since_ms.load(Relaxed) == 0 {
            let since = self.started.elapsed().as_millis().saturating_add(1);
            let since = u64::try_from(since).unwrap_or(u64::MAX);
            self.allow_since_ms.store(since, Relaxed);
        }
    }

    /// Every allow was written.
    pub fn allows_left(&self) {
        self.allow_since_ms.store(0, Relaxed);
    }

    /// For how long an allow has waited to be written at `now`; `None` if none waits.
    pub fn allow_held_for(&self, now: std::time::Instant) -> Option<Duration> {
        match self.allow_since_ms.load(Relaxed) {
            0 => None,
            since => {
                let since = Duration::from_millis(since - 1);
                let now = now.saturating_duration_since(self.started);
                Some(now.saturating_sub(since))
            }
        }
    }

    /// Whether the next byte from the socket is the first of a request, with every request before it
    /// answered and every answer gone.
    pub fn is_between_requests(&self) -> bool {
        self.flushed.load(Relaxed)
            && self.begun.load(Relaxed) == self.answered.load(Relaxed)
            && self.owed_bytes.load(Relaxed) == 0
            && !self.lost.load(Relaxed)
    }

    /// Whether every request is whole and answered, as far as anything was read.
    pub fn is_at_rest(&self) -> bool {
        self.is_between_requests() && self.unfinished_ms.load(Relaxed) == 0
    }

    /// Whole requests were answered without the HTTP library; `all` if nothing else came.
    pub fn answered_at_once(&self, all: bool) {
        self.at_once.store(true, Relaxed);
        let since = if all {
            0
        } else {
            self.now_ms().wrapping_add(1)
        };
        self.unfinished_ms.store(since, Relaxed);
    }

    /// Whether any were since this was asked last.
    pub fn has_answered_at_once(&self) -> bool {
        let at_once = self.at_once.load(Relaxed);
        if at_once {
            self.at_once.store(false, Relaxed);
        }
        at_once
    }

    /// Ends when a request has not been whole for too long, or when nothing came for much longer.
    pub async fn stuck(&self) {
        let mut pause = REQUEST_TIME_MAX;
        loop {
            tokio::time::sleep(pause).await;
            let since = self.unfinished_ms.load(Relaxed);
            // Both wrap after 49 days, and their difference does not.
            let now = self.now_ms();
            let waited = now.wrapping_add(1).wrapping_sub(since);
            if since != 0 && u128::from(waited) >= REQUEST_TIME_MAX.as_millis() {
                return;
            }
            let idle = now.wrapping_sub(self.read_ms.load(Relaxed));
            let idle = Duration::from_millis(idle.into());
            if idle >= IDLE_TIME_MAX {
                return;
            }
            pause = REQUEST_TIME_MAX.min(IDLE_TIME_MAX.saturating_sub(idle));
        }
    }

    /// Reads a whole body.
    pub(super) async fn body<B>(&self, body: B) -> Result<Bytes, Deny>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut collecting = pin!(collect(body));
        let collected = match futures::poll!(collecting.as_mut()) {
            // Most bodies came with their heads.
            Poll::Ready(collected) => collected,
            Poll::Pending => {
                if self.unfinished_ms.load(Relaxed) == 0 {
                    let now = self.now_ms();
                    self.unfinished_ms.store(now.wrapping_add(1), Relaxed);
                }
                collecting.await
            }
        };
        self.unfinished_ms.store(0, Relaxed);
        if collected.is_err() {
            self.lost.store(true, Relaxed);
        }
        collected
    }

    fn now_ms(&self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "only differences are used")]
        let ms = self.origin.elapsed().as_millis() as u32;
        ms
    }
}
