//! The steps, each of which may be done twice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::lane::{self, Event, Lane, Told};
use super::{Stop, Way, millis, shortened};
use crate::fence;
use crate::outbox::ending::Target;
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

    /// Ends the sessions on every cluster that is not complete yet, each at its own pace.
    pub(super) async fn end(&mut self, target: &Target, settled: Instant) -> Result<(), Stop> {
        self.check().await?;
        self.may_have_banned = target.is_banned();
        let (entry, clusters) = (self.entry.clone(), self.clusters.clone());
        let stopping = AtomicBool::new(false);
        let open = self.open();
        let (tell, told) = mpsc::channel(lane::EVENTS_MAX * open.len().max(1));
        let lanes = open.into_iter().map(|index| Lane {
            tools: self.tools,
            entry: &entry,
            cluster: &clusters[index],
            target,
            settled,
            stopping: &stopping,
            tell: tell.clone(),
            index,
        });
        let lanes: Vec<_> = lanes.map(Lane::run).collect();
        drop(tell);
        // Side by side: no lane waits while a note is written.
        let (_, heard) = tokio::join!(join_all(lanes), self.listen(told, &stopping));
        heard?;
        self.complaints()?;
        self.complete().await
    }

    /// Notes what the lanes tell, until the last of them has ended.
    async fn listen(
        &mut self,
        mut told: mpsc::Receiver<Told>,
        stopping: &AtomicBool,
    ) -> Result<(), Stop> {
        let mut kicked = None;
        let mut heard = Ok(());
        while let Some((index, event)) = told.recv().await {
            let cluster = &mut self.entry.clusters[index];
            let noted = match event {
                Event::Kicked(at) => {
                    kicked = kicked.max(Some(at));
                    cluster.state = ClusterState::Kicked;
                    continue;
                }
                Event::Closed => {
                    cluster.state = ClusterState::Closed;
                    self.closed_if_everywhere(kicked);
                    self.note().await
                }
                Event::Complete => {
                    cluster.state = ClusterState::Complete;
                    self.note().await
                }
                Event::Failed(reason) => {
                    cluster.error = Some(shortened(&reason));
                    self.note().await
                }
                Event::Stopped(stop) => Err(stop),
            };
            if noted.is_err() {
                stopping.store(true, Ordering::Relaxed);
                heard = heard.and(noted);
            }
        }
        heard
    }

    fn closed_if_everywhere(&mut self, kicked: Option<Instant>) {
        if !self.entry.clusters.iter().all(is_fine) {
            return;
        }
        if let Some(kicked) = kicked {
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

    async fn complete(&mut self) -> Result<(), Stop> {
        self.closed_if_everywhere(None);
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
