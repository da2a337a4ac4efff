//! The waiter's half: what a series of looks at the leases proves about each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::LENGTH_ENDLESS_MS;
use crate::head::History;

/// Longest length of a lease that the database takes.
pub const LENGTH_MAX: Duration = Duration::from_secs(300);

/// A lease's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The name of the lease.
    pub process: Uuid,
    /// Every change up to this one is applied.
    pub applied: i64,
    /// Counted up by every renewal.
    pub renewals: i64,
    /// `H` of that process in milliseconds, or [`LENGTH_ENDLESS_MS`].
    pub length_ms: i32,
}

/// All leases of one moment, read from a primary in one statement.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// An instant before the statement was sent.
    pub sent: Instant,
    /// An instant after its answer had come.
    pub received: Instant,
    /// The newest change at that moment.
    pub newest: i64,
    /// The history it belongs to.
    pub history: &'a History,
    /// Every lease.
    pub rows: &'a [Row],
}

/// How long a lease's counter must stand still until its process allows no more: its length and a
/// tenth. `None` for one that never lapses.
pub fn longest_silence(length_ms: i32) -> Option<Duration> {
    let length = Duration::from_millis(u64::try_from(length_ms).ok()?);
    (length_ms > LENGTH_ENDLESS_MS).then(|| with_margin(length))
}

fn with_margin(length: Duration) -> Duration {
    length + length / 10
}

/// Remembers the leases between waits, so that a process that died long ago delays nobody again.
///
/// A counter that two looks show as equal did not move in between: a process never reuses a name,
/// and a renewal that counts is never lost within one history.
#[derive(Debug, Default)]
pub struct Judge {
    history: Option<History>,
    seen: BTreeMap<Uuid, Seen>,
    longest: Option<Duration>,
    hold_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    renewals: i64,
    /// When the first look that showed this counter had come.
    since: Instant,
    lapsed: bool,
}

impl Judge {
    /// Takes a look into account. Looks come in the order in which they were made. One at a primary
    /// that was replaced, as its timeline tells, is passed over.
    pub fn look(&mut self, look: &Look<'_>) {
        if let Some(known) = &self.history
            && known.is_after(look.history)
        {
            return;
        }
        let silences = look
            .rows
            .iter()
            .filter_map(|row| longest_silence(row.length_ms));
        self.longest = self.longest.max(silences.max());
        if self.history.as_ref() != Some(look.history) {
            self.seen.clear();
            if self.history.replace(look.history.clone()).is_some() {
                // A lease can be lost with the old primary, its process alive: nobody in this
                // history knows of it until it lapses.
                let longest = self.longest.unwrap_or(with_margin(LENGTH_MAX));
                self.hold_until = Some(look.received + longest);
            }
        }
        let before = std::mem::take(&mut self.seen);
        for row in look.rows {
            let seen = match before.get(&row.process) {
                Some(seen) if seen.renewals == row.renewals => Seen {
                    lapsed: seen.lapsed || has_fallen_silent(row, seen.since, look.sent),
                    ..*seen
                },
                _ => Seen {
                    renewals: row.renewals,
                    since: look.received,
                    lapsed: false,
                },
            };
            self.seen.insert(row.process, seen);
        }
    }

    /// Whether the process that took this lease allows nothing under it any more.
    pub fn has_lapsed(&self, process: Uuid) -> bool {
        self.seen.get(&process).is_some_and(|seen| seen.lapsed)
    }

    /// Whether leases that nobody can see may still run at `at`, after a change of history.
    pub fn holds(&self, at: Instant) -> bool {
        self.hold_until.is_some_and(|until| at < until)
    }

    /// The history of the last look.
    pub(crate) fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }
}

fn has_fallen_silent(row: &Row, since: Instant, sent: Instant) -> bool {
    longest_silence(row.length_ms)
        .is_some_and(|silence| sent.saturating_duration_since(since) >= silence)
}
