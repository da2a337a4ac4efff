//! Reading and parsing what EMQX posts.
//!
//! The content type is not looked at: EMQX's authz requests may come without one. A value that
//! EMQX had nothing for comes as `""`, one that its version does not know as the literal
//! placeholder; both count as absent. Unknown keys are ignored, a key twice is malformed.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use serde::Deserialize;

use crate::decide::Deny;

/// The longest body that is read, in bytes. A password of 8 KiB still fits in JSON escapes.
pub(super) const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to arrive. EMQX itself gives up after 2 seconds.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);

/// Reads the bodies of one connection and knows when one does not come, and whether an allow waits
/// to be written.
///
/// A timer for each request would cost more than reading it: the connection looks at this every
/// now and then instead, and is closed if it is stuck.
#[derive(Debug)]
pub struct BodyWatch {
    origin: Instant,
    /// Milliseconds after `origin` plus one since when a body is awaited; 0 if none is.
    since_ms: AtomicU32,
    /// The same of the oldest allow that waits to be written.
    allow_since_ms: AtomicU64,
}

impl BodyWatch {
    /// Starts with no body awaited.
    pub fn new(origin: Instant) -> Self {
        Self {
            origin,
            since_ms: AtomicU32::new(0),
            allow_since_ms: AtomicU64::new(0),
        }
    }

    /// Ends when a body has been awaited for too long, and not before.
    pub async fn stuck(&self) {
        loop {
            tokio::time::sleep(BODY_TIME_MAX).await;
            let since = self.since_ms.load(Ordering::Relaxed);
            let waited = self.now_ms().saturating_sub(since);
            if since != 0 && u128::from(waited) >= BODY_TIME_MAX.as_millis() {
                return;
            }
        }
    }

    /// An allow was made and waits to be written.
    pub fn note_allow(&self) {
        if self.allow_since_ms.load(Ordering::Relaxed) == 0 {
            let since = self.origin.elapsed().as_millis().saturating_add(1);
            let since = u64::try_from(since).unwrap_or(u64::MAX);
            self.allow_since_ms.store(since, Ordering::Relaxed);
        }
    }

    /// Everything was written.
    pub fn allows_left(&self) {
        self.allow_since_ms.store(0, Ordering::Relaxed);
    }

    /// For how long an allow has waited to be written at `now`; `None` if none waits.
    pub fn allow_held_for(&self, now: Instant) -> Option<Duration> {
        match self.allow_since_ms.load(Ordering::Relaxed) {
            0 => None,
            since => {
                let since = Duration::from_millis(since - 1);
                Some(
                    now.saturating_duration_since(self.origin)
                        .saturating_sub(since),
                )
            }
        }
    }

    /// Reads a whole body, at most [`BODY_BYTES_MAX`].
    pub(super) async fn read<B>(&self, body: B) -> Result<Bytes, Deny>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut collecting = pin!(collect(body));
        // Most bodies came with their heads: those are not timed.
        if let Poll::Ready(collected) = futures::poll!(collecting.as_mut()) {
            return collected;
        }
        self.since_ms.store(self.now_ms(), Ordering::Relaxed);
        let collected = collecting.await;
        self.since_ms.store(0, Ordering::Relaxed);
        collected
    }

    fn now_ms(&self) -> u32 {
        // Wraps after 49 days: a body that is awaited across that moment is noticed later.
        #[expect(clippy::cast_possible_truncation, reason = "wrapping is said above")]
        let ms = self.origin.elapsed().as_millis() as u32;
        ms.wrapping_add(1)
    }
}

async fn collect<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Bytes, Deny> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(Deny::Body);
    }
    let mut first = Bytes::new();
    let mut joined: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Deny::Body)?.into_data() else {
            continue;
        };
        if first.is_empty() && joined.is_empty() {
            // One frame is the rule and is passed on without a copy.
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
        if first.len().max(joined.len()) > BODY_BYTES_MAX {
            return Err(Deny::Body);
        }
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.into()
    })
}

/// Parses a body. Everything in it must be UTF-8, also what is ignored.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Deny> {
    let text = std::str::from_utf8(body).map_err(|_| Deny::Malformed)?;
    serde_json::from_str(text).map_err(|_| Deny::Malformed)
}

/// A text of the body, borrowed unless it holds escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    /// The text, or nothing where EMQX had nothing.
    pub(super) fn present(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty() && !text.starts_with("${"))
    }
}
