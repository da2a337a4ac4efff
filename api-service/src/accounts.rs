//! Accounts as last seen in the database, remembered for a moment.
//!
//! Every request asks whose it is. The answer is one row, and it is asked for once in a few seconds
//! and account, however many requests come at once. So an account that is disabled or signed out by
//! another replica of this service may get answers from this one for [`REMEMBERED`] still; its MQTT
//! sessions are ended by the outbox, which waits for nobody's memory.
//!
//! Who was erased does not come back unseen. What they were signed in with still has tokens, and gets
//! new ones from its issuer without asking anybody; for a day all of them are refused, so that nothing
//! makes a new account by itself. Whoever signs in after that is new here.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tokens::Caller;

use crate::domain::account_id::AccountId;
use crate::domain::erasure::REFUSED_FOR;
use crate::store::account::SeenRow;
use crate::store::{Store, StoreError};

/// How long a row is taken for what the database holds.
const REMEMBERED: Duration = Duration::from_secs(5);

/// So many accounts are remembered, about 1 KiB each.
const ACCOUNTS_MAX: u64 = 20_000;

/// Finds accounts, and makes those that were never seen.
#[derive(Clone)]
pub(crate) struct Accounts {
    store: Store,
    /// By issuer and subject.
    seen: Cache<(String, String), Option<SeenRow>>,
}

impl Accounts {
    /// Nothing is remembered yet.
    pub(crate) fn new(store: Store) -> Self {
        let seen = Cache::builder()
            .max_capacity(ACCOUNTS_MAX)
            .time_to_live(REMEMBERED)
            .support_invalidation_closures()
            .build();
        Self { store, seen }
    }

    /// The account of a caller, made now if it is the first time; `None` if they were erased of late.
    pub(crate) async fn of(&self, caller: &Caller) -> Result<Option<SeenRow>, Arc<StoreError>> {
        let key = (caller.issuer.clone(), caller.subject.clone());
        self.seen.try_get_with(key, self.look(caller)).await
    }

    /// Forgets an account whose row was changed here, so that this replica knows at once.
    pub(crate) fn forget(&self, account: AccountId) {
        let same = move |_: &(String, String), row: &Option<SeenRow>| {
            row.is_some_and(|row| row.account_id == account)
        };
        // It fails only without `support_invalidation_closures`.
        let _ = self.seen.invalidate_entries_if(same);
    }

    async fn look(&self, caller: &Caller) -> Result<Option<SeenRow>, StoreError> {
        let connection = self.store.connect().await?;
        let mut row = connection.seen_account(caller).await?;
        if row.is_none() {
            let erased_at = connection
                .erased_at(&caller.issuer, &caller.subject)
                .await?;
            let until = erased_at.map(|at| (at + REFUSED_FOR).unix_timestamp_nanos() / 1000);
            if until.is_some_and(|micros| caller.is_issued_before(micros)) {
                return Ok(None);
            }
            // Perhaps another replica makes it at this moment; it is read after either's commit.
            connection.insert_account(caller).await?;
            row = connection.seen_account(caller).await?;
        }
        // Between the two statements only an erasure could take it away.
        let row = row.ok_or(StoreError::Row {
            column: "account_id",
        })?;
        if !row.profile_is_current && !row.disabled {
            connection.tell_profile(row.account_id, caller).await?;
        }
        Ok(Some(row))
    }
}
