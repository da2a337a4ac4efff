//! Keeps the lists: has due ones signed, and the shelf at what is in the database.
//!
//! Woken by revocations of this process and by a poll, which finds those of other replicas, lists that
//! grow old, and lists that others signed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::make::{MakeError, make};
use crate::api::Api;
use crate::problem::chain;
use crate::store::StoreError;
use crate::store::crl_list::ListId;

/// Between two looks when nothing wakes the keeper.
const POLL: Duration = Duration::from_secs(1);

/// A list that could not be signed is left alone for so long.
const HELD: Duration = Duration::from_secs(60);

/// Keeps the lists until `stop`.
pub(crate) async fn run(api: Api, stop: CancellationToken) {
    let mut keeper = Keeper {
        api,
        whole_lists_are_there: false,
        held: HashMap::new(),
    };
    let mut failing = false;
    while !stop.is_cancelled() {
        match keeper.round().await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    let error = chain(&error);
                    tracing::warn!(error, "the revocation lists could not be looked after");
                }
                failing = true;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = keeper.api.lists.wake.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

struct Keeper {
    api: Api,
    whole_lists_are_there: bool,
    held: HashMap<ListId, Instant>,
}

impl Keeper {
    async fn round(&mut self) -> Result<(), StoreError> {
        let now = (self.api.clock)().into();
        let made = self.make_due(now).await;
        // What others signed is served also when nothing can be signed here.
        let refreshed = self.api.lists.shelf.refresh(&self.api.store, now).await;
        self.observe(now);
        made.and(refreshed)
    }

    async fn make_due(&mut self, now: OffsetDateTime) -> Result<(), StoreError> {
        let (api, signing) = (&self.api, self.api.signer.issuer());
        let issuers = api.signer.issuers();
        if !self.whole_lists_are_there {
            let connection = api.store.connect().await?;
            connection.add_whole_lists(&issuers).await?;
            drop(connection);
            api.lists.points.all(&api.store).await?;
            self.whole_lists_are_there = true;
        }
        let connection = api.store.connect().await?;
        let due = connection
            .due_lists(&issuers, &signing, now, api.lists.valid)
            .await?;
        drop(connection);
        self.held.retain(|_, until| *until > Instant::now());
        for id in due {
            if self.held.contains_key(&id) {
                continue;
            }
            match make(&self.api, &id, now).await {
                Ok(_) => {}
                Err(MakeError::Store(error)) if !error.is_ours() => return Err(error),
                Err(error) => {
                    self.held.insert(id, Instant::now() + HELD);
                    tracing::error!(
                        issuer = %id.issuer,
                        shard = id.shard,
                        error = chain(&error),
                        "a revocation list could not be signed; the one before stays"
                    );
                }
            }
        }
        Ok(())
    }

    /// How long the list that is first to be overdue still holds.
    fn observe(&self, now: OffsetDateTime) {
        let signing = self.api.signer.issuer();
        if let Some(next) = self.api.lists.shelf.first_next_update(&signing) {
            let left = (next - now).as_seconds_f64();
            self.api.metrics.crl_next_update_seconds.set(left);
        }
    }
}
