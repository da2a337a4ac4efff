//! The steps, each of which may be done twice.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::{Stop, Way, millis, shortened};
use crate::broker::Cluster;
use crate::fence;
use crate::outbox::ending::{GIVE_UP, KICK_EVERY, Target, keep_out, kick_again, until_gone};
use crate::outbox::timeline::{At, ClusterProgress, ClusterState, Durability, Fence, How, Replica};
use crate::outbox::{Phase, allow};
use crate::problem::chain;

/// While the fence holds, an entry is looked at so often, to see whether it became needless.
const RELOOK: Duration = Duration::from_secs(1);

impl Way<'_> {
    pub(super) async fn allow(&mut self) -> Result<(), Stop> {
        self.check().await?;
        let results = allow::let_in(&self.clusters, &self.entry.subject).await;
        for (progress, result) in self.entry.clusters.iter_mut().zip(results) {
            note_result(progress, ClusterState::Complete, result);
        }
        self.complaints()?;
        self.entry.timeline.complete = Some(self.at());
        Ok(())
    }

    pub(super) async fn fence(&mut self) -> Result<(), Stop> {
        if self.entry.phase >= Phase::Fenced {
            return Ok(());
        }
        self.check().await?;
        // Without any change ever there is nothing that a replica could have missed.
        if let Some(number) = self.entry.number {
            let began = Instant::now();
            let waiting = self.tools.api.fence.wait(number);
            tokio::pin!(waiting);
            let fenced = loop {
                tokio::select! {
                    fenced = &mut waiting => break fenced,
                    () = tokio::time::sleep(RELOOK) => self.check().await?,
                }
            };
            self.observe("fence", began);
            let durability = fenced.durability.as_str();
            tracing::debug!(id = self.entry.id, number, durability, "fenced");
            self.entry.timeline.fenced = Some(stored(&fenced, self.at()));
        }
        self.entry.phase = Phase::Fenced;
        self.since("fenced");
        self.note().await
    }

    pub(super) async fn close(&mut self, target: &Target) -> Result<(), Stop> {
        self.check().await?;
        let began = Instant::now();
        self.may_have_banned = target.is_banned();
        let open = self.open();
        let shut = open.iter().map(|i| shut(&self.clusters[*i], target));
        let results = join_all(shut).await;
        self.observe("close", began);
        let mut last = None;
        for (index, result) in open.into_iter().zip(results) {
            last = last.max(result.as_ref().ok().copied());
            let result = result.map(drop);
            note_result(
                &mut self.entry.clusters[index],
                ClusterState::Closed,
                result,
            );
        }
        if self.entry.clusters.iter().all(is_fine) {
            if let Some(kicked) = last {
                let at = self.at_instant(kicked);
                self.entry.timeline.kicked.get_or_insert(at);
            }
            let at = self.at();
            self.entry.timeline.closed.get_or_insert(at);
            if self.entry.phase < Phase::Closed {
                self.since("closed");
            }
            self.entry.phase = Phase::Closed;
        }
        self.note().await
    }

    /// Kicks again until everything that was let in before the fence has shown itself.
    pub(super) async fn settle(&mut self, target: &Target, settled: Instant) -> Result<(), Stop> {
        let began = Instant::now();
        loop {
            if self.open().is_empty() {
                return self.complaints();
            }
            let next = Instant::now() + KICK_EVERY.min(self.tools.settle);
            let next = match (Instant::now() >= settled, target.mass) {
                (true, _) => next,
                // In a mass the second kick is the last one.
                (false, true) => settled,
                (false, false) => next.min(settled),
            };
            tokio::time::sleep_until(next).await;
            self.check().await?;
            let is_last = Instant::now() >= settled;
            let open = self.open();
            let kicks = open.iter().map(|i| kick_again(&self.clusters[*i], target));
            let results = join_all(kicks).await;
            let mut late = 0_u64;
            for (index, result) in open.into_iter().zip(results) {
                late += u64::from(result == Ok(true));
                if let Err(reason) = result {
                    note_result(
                        &mut self.entry.clusters[index],
                        ClusterState::Closed,
                        Err(reason),
                    );
                }
            }
            self.tools.api.metrics.late_sessions.inc_by(late);
            if is_last && late == 0 {
                self.observe("settle", began);
                return Ok(());
            }
            if Instant::now() >= settled + GIVE_UP {
                let text = "the broker had a session at every kick for 15 seconds";
                return Err(Stop::Again(text.to_owned()));
            }
        }
    }

    /// A node that does not answer its cluster may hold sessions that nobody can see.
    pub(super) async fn complete(&mut self) -> Result<(), Stop> {
        let open = self.open();
        let looks = open.iter().map(|i| all_run(&self.clusters[*i]));
        let results = join_all(looks).await;
        for (index, result) in open.into_iter().zip(results) {
            note_result(
                &mut self.entry.clusters[index],
                ClusterState::Complete,
                result,
            );
        }
        self.complaints()?;
        let at = self.at();
        self.entry.timeline.complete.get_or_insert(at);
        self.entry.phase = Phase::Complete;
        self.since("complete");
        self.note().await
    }

    /// The will of a banned client stays unpublished, so `online` would stand for ever.
    pub(super) async fn clear_status(&mut self) -> Result<(), Stop> {
        self.check().await?;
        let topic = format!("{}/status", self.entry.subject);
        let cleared = join_all(self.clusters.iter().map(|c| c.clear_retained(&topic))).await;
        for (cluster, result) in self.clusters.iter().zip(cleared) {
            result
                .map_err(|error| Stop::Again(format!("{}: {}", cluster.name(), chain(&error))))?;
        }
        Ok(())
    }
}

/// Keeps out and looks. Gives the moment when the cluster had taken the ban or the kick.
async fn shut(cluster: &Cluster, target: &Target) -> Result<Instant, String> {
    let kicked = keep_out(cluster, target).await?;
    until_gone(cluster, target).await?;
    Ok(kicked)
}

async fn all_run(cluster: &Cluster) -> Result<(), String> {
    let missing = cluster.missing_node().await;
    match missing.map_err(|error| chain(&error))? {
        None => Ok(()),
        Some(node) => Err(format!(
            "node {node} does not run and may hold sessions: start it, or take it out with \
             `emqx ctl cluster force-leave {node}`"
        )),
    }
}

fn is_fine(cluster: &ClusterProgress) -> bool {
    cluster.error.is_none() && cluster.state >= ClusterState::Closed
}

fn note_result(progress: &mut ClusterProgress, reached: ClusterState, result: Result<(), String>) {
    match result {
        Ok(()) => {
            progress.state = reached;
            progress.error = None;
        }
        Err(reason) => progress.error = Some(shortened(&reason)),
    }
}

fn stored(fenced: &fence::Fenced, at: At) -> Fence {
    let replicas = fenced.replicas.iter().map(|replica| Replica {
        name: replica.name.clone(),
        how: match replica.how {
            fence::How::Applied => How::Applied,
            fence::How::Lapsed => How::Lapsed,
            fence::How::Gone => How::Gone,
        },
        after_ms: millis(replica.after),
    });
    Fence {
        after_ms: at.after_ms,
        durability: match fenced.durability {
            fence::Durability::Local => Durability::Local,
            fence::Durability::Replicated => Durability::Replicated,
        },
        replicas: replicas.collect(),
    }
}
