//! The fence: waits until no replica of hook-service can send an answer that a change forbids.
//!
//! What ends a session comes after it, because before it a lagging replica lets the device back in.
//! The rules and why they are sound stand in the crate [`lease`]; here they meet the database. One
//! task per process looks at the leases, with one statement for everybody who waits, and now and
//! then for nobody: so a replica that died is known to have lapsed when the next revoke comes.
//!
//! Nothing here ends a session, and nothing here writes.

mod watch;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub(crate) use lease::How;

use self::watch::Asked;
use crate::metrics::Metrics;
use crate::store::Store;

/// Waits that may queue for the watcher; more wait for a place.
const ASKED_MAX: usize = 1024;

/// Waits for changes to be everywhere. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Fence {
    asked: mpsc::Sender<Asked>,
    metrics: Metrics,
}

/// What a wait came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fenced {
    /// Every replica that held a lease, by name.
    pub(crate) replicas: Vec<ReplicaFenced>,
    /// From the call to the end of the wait.
    pub(crate) after: Duration,
    /// What a failover of the database can take back.
    pub(crate) durability: Durability,
}

/// What became of one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplicaFenced {
    /// What operators call it.
    pub(crate) name: String,
    /// The name of its lease.
    pub(crate) process: Uuid,
    /// Why it is waited for no more.
    pub(crate) how: How,
    /// From the call to when that was known.
    pub(crate) after: Duration,
}

/// How safe a change is from a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// On the primary's disk; also said where this service may not see the standbys.
    Local,
    /// On the disk of a synchronous standby too.
    Replicated,
}

impl Durability {
    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Replicated => "replicated",
        }
    }
}

impl Fence {
    /// Starts the watcher, which ends with the last clone of this. Needs a Tokio runtime.
    pub(crate) fn new(store: Store, metrics: Metrics) -> Self {
        let (asked, asks) = mpsc::channel(ASKED_MAX);
        tokio::spawn(watch::run(store, asks));
        Self { asked, metrics }
    }

    /// Ends when every lease that is alive has applied `number`, or is proven not to allow any more:
    /// gone, or unrenewed for its length and a tenth on this process's monotonic clock. Call it only
    /// after `number` is committed. Never fails: while the database cannot be read it waits on.
    pub(crate) async fn wait(&self, number: i64) -> Fenced {
        let begun = Instant::now();
        let (done, fenced) = oneshot::channel();
        let asked = Asked {
            number,
            begun,
            done,
        };
        // Both fail only when the runtime ends, and then whoever waits ends with it.
        if self.asked.send(asked).await.is_err() {
            std::future::pending::<()>().await;
        }
        match fenced.await {
            Ok(fenced) => {
                self.observe(&fenced);
                fenced
            }
            Err(_) => std::future::pending().await,
        }
    }

    fn observe(&self, fenced: &Fenced) {
        let whole = &self.metrics.fence_seconds;
        whole
            .with_label_values(&[fenced.durability.as_str()])
            .observe(fenced.after.as_secs_f64());
        for replica in &fenced.replicas {
            let how = match replica.how {
                How::Applied => "applied",
                How::Lapsed => "lapsed",
                How::Gone => "gone",
            };
            let each = &self.metrics.fence_replica_seconds;
            each.with_label_values(&[how])
                .observe(replica.after.as_secs_f64());
        }
    }
}
