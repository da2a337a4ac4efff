//! The revocation list of the device authority, made on demand and kept for a minute.
//!
//! Whoever takes the list may rely on it until `nextUpdate`. It is signed anew a minute after it was
//! made, and at once after a revocation by this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certs::RevocationList;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::problem::Problem;
use crate::signing::Signer;
use crate::store::Store;

/// A list is served this long before another is made.
const FRESH: Duration = Duration::minutes(1);

/// How long a list may be relied on: long enough for an outage over a night.
const VALID: Duration = Duration::hours(24);

/// The newest list.
#[derive(Default)]
pub(crate) struct Lists {
    kept: Mutex<Option<Kept>>,
    revocations: AtomicU64,
}

struct Kept {
    list: Arc<RevocationList>,
    made: OffsetDateTime,
    number: u64,
    revocations: u64,
}

impl Lists {
    /// Says that the list has changed.
    pub(crate) fn outdate(&self) {
        self.revocations.fetch_add(1, Ordering::SeqCst);
    }

    /// The list as of now. One caller makes it, the others wait for that one.
    pub(crate) async fn get(
        &self,
        store: &Store,
        signer: &Signer,
        now: OffsetDateTime,
    ) -> Result<Arc<RevocationList>, Problem> {
        let mut kept = self.kept.lock().await;
        // Read before the database is: a revocation that comes meanwhile outdates this list.
        let revocations = self.revocations.load(Ordering::SeqCst);
        if let Some(kept) = &*kept
            && kept.revocations == revocations
            && now < kept.made + FRESH
            && now >= kept.made
        {
            return Ok(Arc::clone(&kept.list));
        }
        let entries = store.connect().await?.revoked().await?;
        let number = number(now, kept.as_ref().map(|kept| kept.number));
        let list = signer
            .sign_list(entries, number, now, now + VALID)
            .await
            .map_err(Problem::internal)?;
        let list = Arc::new(list);
        *kept = Some(Kept {
            list: Arc::clone(&list),
            made: now,
            number,
            revocations,
        });
        Ok(list)
    }
}

/// Milliseconds since 1970, and always more than before: numbers must grow (RFC 5280 section 5.2.3),
/// over restarts and without a counter that all replicas would share.
fn number(now: OffsetDateTime, before: Option<u64>) -> u64 {
    let milliseconds = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    before.map_or(milliseconds, |before| milliseconds.max(before + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_even_when_the_clock_goes_back() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let first = number(now, None);
        assert_eq!(first, 1_800_000_000_000);
        assert_eq!(number(now - Duration::hours(1), Some(first)), first + 1);
        assert!(number(now + Duration::hours(1), Some(first)) > first);
    }
}
