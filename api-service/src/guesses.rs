//! How often somebody sent what fits no device, a label or a key: a few are mistakes, many are guesses.
//!
//! A secret of 256 bits is not guessed, whatever the rate; this keeps a thief from trying ids and
//! fingerprints that he collected, and our database from answering him. Each replica counts by itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::future::Cache;

use crate::domain::account_id::AccountId;
use crate::domain::trail::Trail;
use crate::problem::{Code, Problem};

/// After the first wrong label, everybody begins anew.
const WINDOW: Duration = Duration::from_secs(WINDOW_S as u64);
const WINDOW_S: u32 = 600;

/// Wrong labels of one account in that time.
const OF_ACCOUNT_MAX: u32 = 10;

/// Wrong labels from one address in that time; behind one may be a whole company.
const OF_ADDRESS_MAX: u32 = 50;

/// So many accounts and addresses are remembered, some hundred bytes each.
const REMEMBERED_MAX: u64 = 50_000;

/// Whom wrong labels are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Account(AccountId),
    Address(IpAddr),
}

/// The wrong labels of late.
#[derive(Clone)]
pub(crate) struct Guesses(Cache<Who, Arc<AtomicU32>>);

impl Default for Guesses {
    fn default() -> Self {
        let counts = Cache::builder()
            .max_capacity(REMEMBERED_MAX)
            .time_to_live(WINDOW);
        Self(counts.build())
    }
}

impl Guesses {
    /// Refuses who sent too many already; a device has no account.
    pub(crate) async fn admit(&self, account: Option<AccountId>) -> Result<(), Problem> {
        for (who, max) in asked_by(account) {
            let count = self.0.get(&who).await;
            if count.is_some_and(|count| count.load(Ordering::Relaxed) >= max) {
                let detail = "too many labels that fitted no device; try again in ten minutes";
                return Err(Problem::new(Code::TooManyGuesses, detail).retry_after(WINDOW_S));
            }
        }
        Ok(())
    }

    /// Counts one that fitted nothing.
    pub(crate) async fn wrong(&self, account: Option<AccountId>) {
        for (who, _) in asked_by(account) {
            let count = self.0.get_with(who, async { Arc::default() }).await;
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn asked_by(account: Option<AccountId>) -> impl Iterator<Item = (Who, u32)> {
    let account = account.map(|account| (Who::Account(account), OF_ACCOUNT_MAX));
    let address = Trail::current().and_then(|trail| trail.address);
    let address = address.map(|address| (Who::Address(address), OF_ADDRESS_MAX));
    account.into_iter().chain(address)
}
