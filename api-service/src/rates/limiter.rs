//! A bucket for each of many, in bounded memory.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Instant;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::gcra::{Bucket, Rate, Standing};

/// So many buckets are remembered, some hundred bytes each. Beyond that the one that was used the longest
/// time ago is forgotten, which makes it full: whoever wants to be forgotten has to come from so many
/// addresses at once.
const REMEMBERED_MAX: u64 = 100_000;

/// Buckets by whose they are.
#[derive(Clone)]
pub(crate) struct Limiter<K> {
    rate: Rate,
    began: Instant,
    buckets: Cache<K, Arc<Bucket>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Limiter<K> {
    /// Full buckets for everybody.
    pub(crate) fn new(rate: Rate) -> Self {
        let buckets = Cache::builder()
            .max_capacity(REMEMBERED_MAX)
            // Anything else might keep no room for who is new, and so never limit them.
            .eviction_policy(EvictionPolicy::lru())
            // A bucket that is full again is as good as none.
            .time_to_idle(rate.refill());
        Self {
            rate,
            began: Instant::now(),
            buckets: buckets.build(),
        }
    }

    /// What it allows.
    pub(crate) fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes a token of somebody's.
    pub(crate) async fn take(&self, whose: K) -> Standing {
        let bucket = self.buckets.get_with(whose, async { Arc::default() }).await;
        // It would take 584 years of one process to be wrong.
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        bucket.take(self.rate, now)
    }
}
