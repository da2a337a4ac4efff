//! Takes entries from the outbox and gives each a task of its own.
//!
//! Woken by commits of this process and by a poll, which finds the entries of other processes and
//! those whose time has come. A task that waits (for the fence, or for the time in which late
//! sessions show themselves) holds neither a connection nor a place that others wait for: its claim
//! is a name in the database, renewed for all tasks together.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entry::{self, NO_BROKER};
use super::tools::Tools;
use crate::problem::chain;
use crate::store::StoreError;
use crate::store::outbox::work::Claimed;

/// Entries of one claim.
const CLAIM_MAX: usize = 256;

/// Entries in work at once. At the design's twenty revokes a second some seventy are.
const IN_WORK_MAX: usize = 4096;

/// A claim that is not renewed ends after so many seconds, and another worker takes the entry.
const CLAIM_S: f64 = 15.0;

/// Between two renewals. Three may fail.
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// Between two looks when nothing wakes the worker.
const POLL: Duration = Duration::from_secs(1);

/// A worker.
struct Worker {
    tools: Tools,
    in_work: Mutex<BTreeSet<i64>>,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// An entry's place among those in work, until its task ends in whatever way.
struct Place {
    worker: Arc<Worker>,
    id: i64,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.worker.ids().remove(&self.id);
        // A later entry of the device may have waited for this one.
        self.worker.tools.api.outbox_wake.notify_one();
    }
}

/// Runs until `stop`, then gives every claim back at once.
pub(crate) async fn run(tools: Tools, stop: CancellationToken) {
    if tools.clusters.is_empty() {
        tracing::warn!("{NO_BROKER}; revoked devices stay connected until their session's end");
    }
    let worker = Arc::new(Worker {
        tools,
        in_work: Mutex::default(),
        places: Arc::new(Semaphore::new(IN_WORK_MAX)),
        tasks: TaskTracker::new(),
        stop,
    });
    tokio::join!(worker.claims(), worker.renewals(), worker.observations());
    worker.tasks.close();
    worker.tasks.wait().await;
    if let Err(error) = worker.release().await {
        tracing::warn!(error = chain(&error), "claims end by themselves in seconds");
    }
}

impl Worker {
    async fn claims(self: &Arc<Self>) {
        let mut complaint = None;
        while !self.stop.is_cancelled() {
            let claimed = self.claim().await;
            let is_full = matches!(&claimed, Ok(count) if *count == CLAIM_MAX);
            let failure = claimed.err().map(|error| chain(&error));
            // An outage is told once and not once a second.
            if failure != complaint {
                if let Some(reason) = &failure {
                    tracing::warn!(reason, "the outbox cannot be worked on");
                } else {
                    tracing::info!("the outbox is worked on");
                }
                complaint = failure;
            }
            if is_full {
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.tools.api.outbox_wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn claim(self: &Arc<Self>) -> Result<usize, StoreError> {
        let limit = CLAIM_MAX.min(self.places.available_permits());
        if limit == 0 {
            return Ok(0);
        }
        let connection = self.tools.api.store.connect().await?;
        let claims = connection.claim_outbox(
            self.tools.worker,
            i64::try_from(limit).unwrap_or(1),
            CLAIM_S,
        );
        let claimed = claims.await?;
        drop(connection);
        let count = claimed.len();
        for entry in claimed {
            self.start(entry);
        }
        Ok(count)
    }

    fn start(self: &Arc<Self>, entry: Claimed) {
        // Only `claim` takes places, and it took no more than were free.
        let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        let place = Place {
            worker: Arc::clone(self),
            id: entry.id,
            _permit: permit,
        };
        self.ids().insert(entry.id);
        self.tasks.spawn(async move {
            let worker = &place.worker;
            let kind = entry.kind.clone();
            let draw = rand::rng().random();
            let word = tokio::select! {
                word = entry::carry_out(&worker.tools, entry, draw) => word,
                () = worker.stop.cancelled() => "interrupted",
            };
            let attempts = &worker.tools.api.metrics.outbox_attempts;
            attempts.with_label_values(&[kind.as_str(), word]).inc();
        });
    }

    async fn renewals(&self) {
        while self.pause(RENEW_EVERY).await {
            let ids: Vec<i64> = self.ids().iter().copied().collect();
            if ids.is_empty() {
                continue;
            }
            let renewed = async {
                let connection = self.tools.api.store.connect().await?;
                let worker = self.tools.worker;
                connection.renew_outbox(worker, &ids, CLAIM_S).await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(error = chain(&error), "claims could not be renewed");
            }
        }
    }

    async fn observations(&self) {
        loop {
            let backlog = async { self.tools.api.store.connect().await?.backlog().await };
            let metrics = &self.tools.api.metrics;
            if let Ok(backlog) = backlog.await {
                metrics.outbox_depth.set(backlog.depth);
                metrics.outbox_dead.set(backlog.dead);
                metrics.outbox_oldest_seconds.set(backlog.oldest_s);
            }
            let in_work = self.ids().len();
            let in_work = i64::try_from(in_work).unwrap_or(i64::MAX);
            metrics.outbox_in_work.set(in_work);
            if !self.pause(POLL).await {
                return;
            }
        }
    }

    async fn release(&self) -> Result<u64, StoreError> {
        let connection = self.tools.api.store.connect().await?;
        connection.release_outbox(self.tools.worker).await
    }

    /// Waits; `false` when told to stop.
    async fn pause(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    fn ids(&self) -> std::sync::MutexGuard<'_, BTreeSet<i64>> {
        self.in_work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the worker; call it after a commit that added an entry.
pub(crate) fn wake(notify: &Arc<tokio::sync::Notify>) {
    notify.notify_one();
}
