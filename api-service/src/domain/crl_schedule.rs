//! When a revocation list is made, and what its times and number are.

use time::{Duration, OffsetDateTime};

/// `thisUpdate` stands this far back, for verifiers whose clock is behind ours.
const BACKDATE: Duration = Duration::minutes(5);

/// A list made later than this from now was made by a clock that has been put back since.
pub(crate) const CLOCK_SLACK: Duration = Duration::minutes(5);

/// What there is of a list so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    /// Its number; 0 when it was never made.
    pub(crate) number: i64,
    /// When it was made.
    pub(crate) made_at: Option<OffsetDateTime>,
    /// What it says of that.
    pub(crate) this_update: Option<OffsetDateTime>,
}

/// Number and times of the next list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextList {
    /// Milliseconds since 1970, and always more than before.
    pub(crate) number: i64,
    pub(crate) this_update: OffsetDateTime,
    pub(crate) next_update: OffsetDateTime,
}

impl Before {
    /// Whether the list must be made anew although nothing was revoked: it was never made, half of
    /// its time is over, or a clock was put back.
    pub(crate) fn is_old(&self, now: OffsetDateTime, valid: Duration) -> bool {
        self.made_at
            .is_none_or(|made| made <= now - valid / 2 || made > now + CLOCK_SLACK)
    }

    /// The next list's number and times.
    ///
    /// A number is the time because a counter alone would give a number twice after the database was
    /// restored from a backup, and verifiers keep the list with the higher one (RFC 5280 section
    /// 5.2.3). Two lists never have the same `thisUpdate`, which is their `Last-Modified` too.
    pub(crate) fn next(&self, now: OffsetDateTime, valid: Duration) -> NextList {
        let milliseconds = i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        let back = whole_seconds(now - BACKDATE);
        let this_update = match self.this_update {
            // One that lies ahead is a clock's mistake, not to be repeated.
            Some(before) if before < now => back.max(whole_seconds(before) + Duration::SECOND),
            _ => back,
        };
        NextList {
            number: milliseconds.max(self.number + 1),
            this_update,
            next_update: whole_seconds(now) + valid,
        }
    }

    /// A revoked certificate that ended before this need not be named any more: it was named in a list
    /// made after its end (RFC 5280 section 3.3), and everybody has fetched one since.
    pub(crate) fn entries_end(&self, now: OffsetDateTime, valid: Duration) -> OffsetDateTime {
        let fetched = now - valid;
        self.this_update
            .map_or(fetched, |before| before.min(fetched))
    }
}

fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2027-01-15 8:00:00.25 UTC);
    const DAY: Duration = Duration::DAY;
    const NEVER: Before = Before {
        number: 0,
        made_at: None,
        this_update: None,
    };

    fn made(at: OffsetDateTime) -> Before {
        let next = NEVER.next(at, DAY);
        Before {
            number: next.number,
            made_at: Some(at),
            this_update: Some(next.this_update),
        }
    }

    #[test]
    fn numbers_grow_even_when_the_clock_goes_back() {
        let before = made(NOW);
        assert_eq!(before.number, 1_800_000_000_250);
        assert_eq!(
            before.next(NOW - Duration::HOUR, DAY).number,
            before.number + 1
        );
        assert_eq!(
            before.next(NOW + Duration::HOUR, DAY).number,
            before.number + 3_600_000
        );
    }

    #[test]
    fn no_two_lists_have_one_this_update_and_none_lies_ahead() {
        let first = made(NOW);
        let second = first.next(NOW, DAY);
        assert!(second.this_update > first.this_update.unwrap());
        // A list of a clock that was two days ahead.
        let ahead = made(NOW + 2 * DAY);
        let next = ahead.next(NOW, DAY);
        assert!(next.this_update <= NOW && next.number > ahead.number);
        assert_eq!(next.next_update, datetime!(2027-01-16 8:00 UTC));
    }

    #[test]
    fn a_list_is_made_anew_at_half_of_its_time_or_after_a_clock_was_put_back() {
        assert!(NEVER.is_old(NOW, DAY));
        let before = made(NOW);
        assert!(!before.is_old(NOW + Duration::hours(11), DAY));
        assert!(before.is_old(NOW + Duration::hours(12), DAY));
        assert!(!before.is_old(NOW - Duration::MINUTE, DAY));
        assert!(before.is_old(NOW - Duration::HOUR, DAY));
    }

    #[test]
    fn an_entry_stays_until_a_list_beyond_its_certificates_end_was_fetched_by_everybody() {
        assert_eq!(NEVER.entries_end(NOW, DAY), NOW - DAY);
        // The list before is younger than a day: whoever holds an older one holds it a day at most.
        assert_eq!(made(NOW - Duration::HOUR).entries_end(NOW, DAY), NOW - DAY);
        // Nothing was signed for a week: what ended meanwhile was never listed beyond its end.
        let old = made(NOW - 7 * DAY);
        assert_eq!(old.entries_end(NOW, DAY), old.this_update.unwrap());
    }
}
