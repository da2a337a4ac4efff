//! The generic cell rate algorithm (ITU-T I.371, annex A): a bucket of tokens as one number, the time at
//! which the bucket will be full again.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Most of a second that a setting may allow.
const PER_SECOND_MAX: u32 = 100_000;

/// Most at once that a setting may allow.
const BURST_MAX: u32 = 1_000_000;

/// So many a second in the long run, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The time in which one token comes back, in nanoseconds.
    token_ns: u64,
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

/// Why a text is not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 0 or a rate like 50:200: at most 100000 requests a second and at most 1000000 at once"
)]
pub(crate) struct NotARate;

impl Rate {
    /// A rate; none if a number is 0 or too large.
    pub(crate) fn new(per_second: u32, burst: u32) -> Option<Self> {
        if per_second > PER_SECOND_MAX || burst > BURST_MAX {
            return None;
        }
        let per_second = NonZeroU32::new(per_second)?;
        Some(Self {
            token_ns: 1_000_000_000 / u64::from(per_second.get()),
            per_second,
            burst: NonZeroU32::new(burst)?,
        })
    }

    /// So many that each token takes a while, one at least at once.
    pub(crate) const fn slow(token: Duration, burst: NonZeroU32) -> Self {
        Self {
            token_ns: token.as_secs() * 1_000_000_000,
            per_second: NonZeroU32::MIN,
            burst,
        }
    }

    /// Tokens that come back in a second.
    pub(crate) fn per_second(self) -> u32 {
        self.per_second.get()
    }

    /// Tokens of a full bucket.
    pub(crate) fn burst(self) -> u32 {
        self.burst.get()
    }

    /// In which time an empty bucket is full.
    pub(crate) fn refill(self) -> Duration {
        Duration::from_nanos(self.refill_ns())
    }

    fn refill_ns(self) -> u64 {
        self.token_ns.saturating_mul(u64::from(self.burst()))
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    /// `50:200`, or `50` with as many at once.
    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (rate, burst) = text.split_once(':').unwrap_or((text, text));
        let number = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse().ok()).flatten()
        };
        match (number(rate), number(burst)) {
            (Some(rate), Some(burst)) => Self::new(rate, burst).ok_or(NotARate),
            _ => Err(NotARate),
        }
    }
}

/// What a taker finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Tokens that are left.
    pub(crate) left: u32,
    /// After so long the bucket is full, if nobody takes any more.
    pub(crate) full_after: Duration,
    /// There was no token: one is there after so long.
    pub(crate) retry_after: Option<Duration>,
}

/// One bucket, full at first.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// When it will be full, in nanoseconds after a moment that all share.
    full_at: AtomicU64,
}

impl Bucket {
    /// Takes one token if there is one. `now` is in nanoseconds after the moment that all share.
    pub(super) fn take(&self, rate: Rate, now: u64) -> Standing {
        let take = |full_at: u64| {
            let after = full_at.max(now) + rate.token_ns;
            (after - now <= rate.refill_ns()).then_some(after)
        };
        let taken = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        match taken {
            Ok(before) => {
                let missing = before.max(now) + rate.token_ns - now;
                let left = (rate.refill_ns() - missing) / rate.token_ns;
                Standing {
                    left: u32::try_from(left).unwrap_or(u32::MAX),
                    full_after: Duration::from_nanos(missing),
                    retry_after: None,
                }
            }
            Err(full_at) => {
                let missing = full_at.saturating_sub(now);
                let wait = (missing + rate.token_ns).saturating_sub(rate.refill_ns());
                Standing {
                    left: 0,
                    full_after: Duration::from_nanos(missing),
                    retry_after: Some(Duration::from_nanos(wait)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (bucket, rate) = (Bucket::default(), Rate::new(10, 3).unwrap());
        for left in [2, 1, 0] {
            let standing = bucket.take(rate, 0);
            assert_eq!((standing.left, standing.retry_after), (left, None));
        }
        let refused = bucket.take(rate, 0);
        assert_eq!(refused.retry_after, Some(Duration::from_millis(100)));
        assert_eq!(refused.full_after, Duration::from_millis(300));
        // A refusal takes nothing, and a token is back after its time and not before.
        let almost = bucket.take(rate, 99 * MS);
        assert_eq!(almost.retry_after, Some(Duration::from_millis(1)));
        assert_eq!(bucket.take(rate, 100 * MS).retry_after, None);
        assert!(bucket.take(rate, 100 * MS).retry_after.is_some());
        // However long nobody asks, there is no more than a burst.
        for left in [2, 1, 0] {
            assert_eq!(bucket.take(rate, 60_000 * MS).left, left);
        }
        assert!(bucket.take(rate, 60_000 * MS).retry_after.is_some());
    }

    #[test]
    fn takers_at_once_get_one_token_each() {
        let (bucket, rate) = (Bucket::default(), Rate::new(1, 100).unwrap());
        let given: u32 = std::thread::scope(|scope| {
            let is_given = || u32::from(bucket.take(rate, 0).retry_after.is_none());
            let take = move || (0..100).map(|_| is_given()).sum::<u32>();
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(given, 100);
    }

    #[test]
    fn a_rate_is_written_with_its_burst() {
        assert_eq!("50:200".parse(), Ok(Rate::new(50, 200).unwrap()));
        assert_eq!("50".parse(), Ok(Rate::new(50, 50).unwrap()));
        assert_eq!("100000:1000000".parse::<Rate>().unwrap().burst(), BURST_MAX);
        for bad in [
            "",
            "0",
            "5:0",
            "0:5",
            "-1",
            "+1",
            "1:2:3",
            "a",
            "1.5",
            "100001",
            "1:1000001",
        ] {
            assert_eq!(bad.parse::<Rate>(), Err(NotARate), "{bad}");
        }
    }
}
