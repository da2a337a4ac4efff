//! The state machine of the feed: take a lease, look, apply, renew, wait.
//!
//! The order is the proof. A lease is committed before the look that allows under it begins, so
//! whoever waits for a change either sees the lease and waits for it, or committed before the look
//! and is contained in it. Everything that makes the applied number doubtful ends allowing first.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::catch_up::catch_up;
use super::head::{self, Head, Identity};
use super::lease::{Lease, Renewal};
use super::link::{Database, Link, STATEMENT_TIME_MAX};
use super::log::Log;
use super::snapshot::{self, Snapshot};
use super::{FeedError, FeedSettings, within};
use crate::fleet::Writer;
use crate::metrics::{Metrics, Reload};

/// Applying a piece of the log may take this long.
const CATCH_UP_TIME_MAX: Duration = Duration::from_secs(60);

/// What outlives a broken link.
pub(super) struct Follower<'a> {
    settings: &'a FeedSettings,
    writer: Writer,
    metrics: &'a Metrics,
    applied: Option<Applied>,
    lease: Option<Lease>,
    /// The lease before, whose row nobody needs to wait for any more.
    lapsed: Option<Uuid>,
    live: &'a CancellationToken,
    progress: bool,
}

/// What the table contains.
struct Applied {
    number: i64,
    identity: Identity,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        settings: &'a FeedSettings,
        writer: Writer,
        metrics: &'a Metrics,
        live: &'a CancellationToken,
    ) -> Self {
        Self {
            settings,
            writer,
            metrics,
            applied: None,
            lease: None,
            lapsed: None,
            live,
            progress: false,
        }
    }

    /// Whether a link ever worked.
    pub(super) fn ever_live(&self) -> bool {
        self.live.is_cancelled()
    }

    /// Whether the last link worked.
    pub(super) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progress)
    }

    /// Follows one link until it breaks or `stop`. Stopping gives the lease back.
    pub(super) async fn follow(
        &mut self,
        database: &Database,
        stop: &CancellationToken,
    ) -> Result<(), FeedError> {
        let linked = async {
            let link = database.link().await?;
            link.listen().await?;
            if !self.ever_live() {
                within(STATEMENT_TIME_MAX, schema::check_version(&link.client)).await?;
                database.refuse_pooler(&link).await?;
            }
            Ok::<_, FeedError>(link)
        };
        let mut link = tokio::select! {
            link = linked => link?,
            () = stop.cancelled() => return Ok(()),
        };
        tokio::select! {
            ended = self.keep_up(&mut link) => return ended,
            () = stop.cancelled() => {}
        }
        self.writer.lapse();
        match self.lease.take() {
            Some(lease) => lease.give_back(&link.client).await,
            None => Ok(()),
        }
    }

    /// Looks, renews and waits, until the link breaks. May be dropped at any point: what is applied
    /// is noted only after it is, and a lease that was not noted is one that nobody allows under.
    async fn keep_up(&mut self, link: &mut Link) -> Result<(), FeedError> {
        let mut compare_at = Instant::now() + self.settings.compare_every;
        let mut compare = false;
        loop {
            self.look(link, compare).await?;
            if !self.renew(link).await? {
                // Without a lease nothing is allowed; take a new one and look again at once.
                continue;
            }
            self.went_well();
            compare = self.wait(link, compare_at).await?;
            if compare {
                compare_at = Instant::now() + self.settings.compare_every;
            }
        }
    }

    /// Brings the table up to what the database says now, under a lease taken before.
    async fn look(&mut self, link: &mut Link, compare: bool) -> Result<(), FeedError> {
        self.ensure_lease(link).await?;
        let head = within(STATEMENT_TIME_MAX, head::read(&link.client)).await?;
        let Some(applied) = &self.applied else {
            return self.reload(link, Reload::Start).await;
        };
        if let Some(doubt) = doubt(applied, &head) {
            // The lease may stand in another history, where nobody waits for it.
            self.lapse();
            self.ensure_lease(link).await?;
            return self.reload(link, doubt).await;
        }
        if compare {
            return self.compare(link).await;
        }
        if head.number > applied.number {
            return self.advance(link).await;
        }
        Ok(())
    }

    async fn advance(&mut self, link: &mut Link) -> Result<(), FeedError> {
        let Some(applied) = &mut self.applied else {
            return Ok(());
        };
        let caught = catch_up(
            &mut link.client,
            &mut self.writer,
            self.metrics,
            applied.number,
        );
        match within(CATCH_UP_TIME_MAX, caught).await? {
            Ok(newest) => {
                applied.number = newest;
                Ok(())
            }
            Err(reason) => self.reload(link, reason).await,
        }
    }

    /// Loads everything beside the serving table, then swaps.
    async fn reload(&mut self, link: &mut Link, reason: Reload) -> Result<(), FeedError> {
        let start = Instant::now();
        let snapshot = snapshot::load(&mut link.client, None).await?;
        tracing::info!(
            reason = reason.as_str(),
            devices = snapshot.table.len(),
            change = snapshot.head.number,
            took_ms = start.elapsed().as_millis(),
            "the fleet was loaded"
        );
        self.metrics.reloaded(reason);
        self.publish(snapshot);
        Ok(())
    }

    /// Compares the table with the database and counts what had to be corrected, which is nothing
    /// unless a bug or a bypass of the triggers got past the change log.
    async fn compare(&mut self, link: &mut Link) -> Result<(), FeedError> {
        let Some(applied) = &self.applied else {
            return Ok(());
        };
        let snapshot = snapshot::load(&mut link.client, Some(applied.number)).await?;
        if snapshot.head.identity != applied.identity {
            return Ok(()); // The next look reloads.
        }
        // What changed since is no correction: the log would have told.
        let (told, all_services_told) = match &snapshot.since {
            Some(Log::Piece(piece)) => (piece.devices.clone(), !piece.service_clients.is_empty()),
            _ => return self.reload(link, Reload::Gap).await,
        };
        let (table, services) = self.writer.current();
        let wrong: BTreeSet<String> = table
            .differences(&snapshot.table)
            .into_iter()
            .filter(|id| !told.contains(id))
            .collect();
        let wrong_services = if all_services_told {
            0
        } else {
            services.differences(&snapshot.services)
        };
        self.metrics.compares.inc();
        if !wrong.is_empty() || wrong_services > 0 {
            self.metrics
                .corrections
                .inc_by((wrong.len() + wrong_services) as u64);
            tracing::error!(
                devices = wrong.len(),
                service_clients = wrong_services,
                example = wrong.first(),
                "the table differed from the database without a change in the log"
            );
        }
        self.publish(snapshot);
        Ok(())
    }

    fn publish(&mut self, snapshot: Snapshot) {
        let Snapshot {
            head: Head { number, identity },
            table,
            services,
            rights_left_out,
            ..
        } = snapshot;
        self.writer.replace(table, services);
        self.metrics
            .rights_left_out
            .set(i64::try_from(rights_left_out).unwrap_or(i64::MAX));
        self.applied = Some(Applied { number, identity });
    }

    async fn ensure_lease(&mut self, link: &Link) -> Result<(), FeedError> {
        if let Some(lease) = &self.lease {
            if !lease.has_lapsed(Instant::now()) {
                return Ok(());
            }
            self.lapse();
        }
        let applied = self.applied.as_ref().map_or(0, |applied| applied.number);
        let settings = self.settings;
        let (name, length) = (&settings.replica_name, settings.staleness_max);
        self.lease = Some(Lease::take(&link.client, name, length, applied, self.lapsed).await?);
        self.lapsed = None;
        Ok(())
    }

    /// Renews the lease if it is time; `false` if it lapsed.
    async fn renew(&mut self, link: &Link) -> Result<bool, FeedError> {
        let (Some(lease), Some(applied)) = (&mut self.lease, &self.applied) else {
            return Ok(false);
        };
        if self.writer.is_allowing(Instant::now()) && !lease.is_due(applied.number, Instant::now())
        {
            return Ok(true);
        }
        match lease.renew(&link.client, applied.number).await? {
            Renewal::Until(until) => {
                self.metrics.renewals.inc();
                self.writer.allow_until(until);
                Ok(true)
            }
            Renewal::Lapsed => {
                self.lapse();
                Ok(false)
            }
        }
    }

    /// Ends allowing. The next lease is taken under a new name and removes this one's row.
    fn lapse(&mut self) {
        self.writer.lapse();
        if let Some(lease) = self.lease.take() {
            self.lapsed = Some(lease.process());
            self.metrics.lapses.inc();
            tracing::warn!("the lease lapsed; nothing is allowed until a new one is held");
        }
    }

    fn went_well(&mut self) {
        if let Some(applied) = &self.applied {
            self.metrics.applied.set(applied.number);
        }
        self.progress = true;
        self.live.cancel();
    }

    /// Waits for a reason to look again; `true` if it is time to compare everything.
    async fn wait(&self, link: &Link, compare_at: Instant) -> Result<bool, FeedError> {
        tokio::select! {
            biased;
            () = link.broken() => Err(FeedError::Broken),
            () = tokio::time::sleep_until(compare_at.into()) => Ok(true),
            () = link.hinted() => {
                self.metrics.woken_by_hint.inc();
                Ok(false)
            }
            () = tokio::time::sleep(self.settings.poll_every) => {
                self.metrics.woken_by_poll.inc();
                Ok(false)
            }
        }
    }
}

/// Why what was applied cannot be trusted under this head.
fn doubt(applied: &Applied, head: &Head) -> Option<Reload> {
    if head.identity != applied.identity {
        Some(Reload::Identity)
    } else if head.number < applied.number {
        Some(Reload::Behind)
    } else {
        None
    }
}
