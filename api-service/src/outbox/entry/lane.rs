//! One cluster's part of an entry: keep out, look, kick again, count its nodes.
//!
//! Each cluster goes at its own pace, so that one that hangs keeps no kick of another one waiting.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Stop, check};
use crate::broker::Cluster;
use crate::outbox::ending::{GIVE_UP, KICK_EVERY, Target, keep_out, kick_again, until_gone};
use crate::outbox::tools::Tools;
use crate::problem::chain;
use crate::store::outbox::work::Claimed;

/// What a lane tells, with the cluster's place.
pub(super) type Told = (usize, Event);

/// A lane tells at most so much: that it kicked, that it closed, and how it ended.
pub(super) const EVENTS_MAX: usize = 3;

/// What became of one cluster.
pub(super) enum Event {
    /// It had taken the ban or the kick at that moment.
    Kicked(Instant),
    /// It has no session after that.
    Closed,
    /// Nothing that began before can come back.
    Complete,
    /// A call failed; the attempt is made again for this cluster.
    Failed(String),
    /// The whole attempt ends.
    Stopped(Stop),
}

/// A cluster on its way.
pub(super) struct Lane<'a> {
    pub(super) tools: &'a Tools,
    pub(super) entry: &'a Claimed,
    pub(super) cluster: &'a Cluster,
    pub(super) target: &'a Target,
    /// When everything that was let in before the fence has shown itself.
    pub(super) settled: Instant,
    /// Set when the whole attempt ends: no call is begun any more, and the one under way is waited
    /// for, so that no ban of ours lands after it was taken back.
    pub(super) stopping: &'a AtomicBool,
    pub(super) tell: mpsc::Sender<Told>,
    pub(super) index: usize,
}

impl Lane<'_> {
    /// Goes as far as it can.
    pub(super) async fn run(self) {
        match self.lead().await {
            Ok(()) => self.tell(Event::Complete),
            Err(None) => {}
            Err(Some(event)) => self.tell(event),
        }
    }

    async fn lead(&self) -> Result<(), Option<Event>> {
        self.check().await?;
        let began = Instant::now();
        let kicked = keep_out(self.cluster, self.target).await.map_err(failed)?;
        self.tell(Event::Kicked(kicked));
        until_gone(self.cluster, self.target)
            .await
            .map_err(failed)?;
        self.observe("close", began);
        self.tell(Event::Closed);
        self.settle().await?;
        all_run(self.cluster).await.map_err(failed)
    }

    /// Kicks again until everything that was let in before the fence has shown itself.
    async fn settle(&self) -> Result<(), Option<Event>> {
        let began = Instant::now();
        loop {
            let next = Instant::now() + KICK_EVERY.min(self.tools.settle);
            let next = match (Instant::now() >= self.settled, self.target.mass) {
                (true, _) => next,
                // In a mass the second kick is the last one.
                (false, true) => self.settled,
                (false, false) => next.min(self.settled),
            };
            tokio::time::sleep_until(next).await;
            self.check().await?;
            let is_last = Instant::now() >= self.settled;
            let came_late = kick_again(self.cluster, self.target)
                .await
                .map_err(failed)?;
            let late = u64::from(came_late);
            self.tools.api.metrics.late_sessions.inc_by(late);
            if is_last && !came_late {
                self.observe("settle", began);
                return Ok(());
            }
            if Instant::now() >= self.settled + GIVE_UP {
                let text = "the broker had a session at every kick for 15 seconds";
                return Err(failed(text.to_owned()));
            }
        }
    }

    /// Before each step: whether it is still right, read under the lock of the device's row.
    async fn check(&self) -> Result<(), Option<Event>> {
        let right = check(self.tools, self.entry).await;
        if self.stopping.load(Ordering::Relaxed) {
            return Err(None);
        }
        right.map_err(|stop| Some(Event::Stopped(stop)))
    }

    fn tell(&self, event: Event) {
        // Who listens outlives every lane, and has room for all that each tells.
        let _ = self.tell.try_send((self.index, event));
    }

    fn observe(&self, step: &str, began: Instant) {
        let seconds = &self.tools.api.metrics.outbox_step_seconds;
        let took = began.elapsed().as_secs_f64();
        seconds.with_label_values(&[step]).observe(took);
    }
}

fn failed(reason: String) -> Option<Event> {
    Some(Event::Failed(reason))
}

/// A node that does not answer its cluster may hold sessions that nobody can see.
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
