//! Carries out what the lease's [`Keeper`] says: takes a lease, looks, applies, renews, waits.
//!
//! The order of these steps is what makes a revoke end; it stands in the crate [`lease`], where a
//! randomized test drives it. Here each step meets the database, the table and the metrics.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lease::{Doubt, Keeper, Step};
use tokio_util::sync::CancellationToken;

use super::catch_up::catch_up;
use super::link::{Database, Link, STATEMENT_TIME_MAX};
use super::log::Log;
use super::snapshot::{self, Snapshot};
use super::{FeedError, FeedSettings, head, lease as row, people, within};
use crate::fleet::Writer;
use crate::metrics::{Metrics, Reload};

/// Applying a piece of the log may take this long.
const CATCH_UP_TIME_MAX: Duration = Duration::from_secs(60);

/// What outlives a broken link.
pub(super) struct Follower<'a> {
    settings: &'a FeedSettings,
    writer: Writer,
    keeper: Keeper,
    metrics: &'a Metrics,
    live: &'a CancellationToken,
    progress: bool,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        settings: &'a FeedSettings,
        writer: Writer,
        metrics: &'a Metrics,
        live: &'a CancellationToken,
    ) -> Self {
        let keeper = Keeper::new(settings.staleness_max, writer.gate());
        Self {
            settings,
            writer,
            keeper,
            metrics,
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
        match self.keeper.stop() {
            Some(process) => row::give_back(&link.client, process).await,
            None => Ok(()),
        }
    }

    /// Does step after step, until the link breaks. May be dropped at any point: what is applied is
    /// noted only after it is, and a lease that was not noted is one that nobody allows under.
    async fn keep_up(&mut self, link: &mut Link) -> Result<(), FeedError> {
        let mut compare_at = Instant::now() + self.settings.compare_every;
        self.keeper.linked();
        loop {
            let step = self.keeper.next(Instant::now());
            self.note_lapses();
            if step == Step::Rest {
                self.went_well();
                let compare = self.wait(link, compare_at).await?;
                if compare {
                    compare_at = Instant::now() + self.settings.compare_every;
                }
                self.keeper.look(compare);
            } else {
                self.carry_out(step, link).await?;
            }
        }
    }

    async fn carry_out(&mut self, step: Step, link: &mut Link) -> Result<(), FeedError> {
        match step {
            Step::Take { former } => {
                let FeedSettings {
                    replica_name,
                    staleness_max,
                    serves_known,
                    ..
                } = self.settings;
                let length = (!serves_known).then_some(*staleness_max);
                let before = Instant::now();
                let process = row::take(&link.client, replica_name, length, former).await?;
                self.keeper.taken(process, before);
            }
            Step::Head => {
                let head = within(STATEMENT_TIME_MAX, head::read(&link.client)).await?;
                self.keeper.saw(&head);
            }
            Step::Load(doubt) => self.load(link, reload(doubt)).await?,
            Step::CatchUp { after } => self.advance(link, after).await?,
            Step::Compare { after } => self.compare(link, after).await?,
            Step::Tell { process, applied } => {
                let rows = row::tell(&link.client, process, applied).await?;
                self.keeper.told(applied, rows);
            }
            Step::Renew { process, applied } => {
                let before = Instant::now();
                let rows = row::renew(&link.client, process, applied).await?;
                if self.keeper.renewed(before, Instant::now(), applied, rows) {
                    self.metrics.renewals.inc();
                }
            }
            Step::Rest => {}
        }
        Ok(())
    }

    async fn advance(&mut self, link: &mut Link, after: i64) -> Result<(), FeedError> {
        let caught = catch_up(&mut link.client, &mut self.writer, self.metrics, after);
        match within(CATCH_UP_TIME_MAX, caught).await? {
            Ok(newest) => self.keeper.caught_up(newest),
            Err(reason) => self.load(link, reason).await?,
        }
        Ok(())
    }

    /// Loads everything beside the serving table, then swaps.
    async fn load(&mut self, link: &mut Link, reason: Reload) -> Result<(), FeedError> {
        let start = Instant::now();
        let snapshot = snapshot::load(&mut link.client, None, self.writer.numbers()).await?;
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
    async fn compare(&mut self, link: &mut Link, after: i64) -> Result<(), FeedError> {
        let snapshot = snapshot::load(&mut link.client, Some(after), self.writer.numbers()).await?;
        if !self.keeper.is_of_its_history(&snapshot.head) {
            self.keeper.look(false); // which finds out and loads everything
            return Ok(());
        }
        // What changed since is no correction: the log would have told.
        let Some(Log::Piece(told)) = &snapshot.since else {
            return self.load(link, Reload::Gap).await;
        };
        let (table, services) = self.writer.current();
        let wrong: BTreeSet<String> = table
            .differences(&snapshot.table)
            .into_iter()
            .filter(|id| !told.devices.contains(id))
            .collect();
        let wrong_services = if told.service_clients.is_empty() {
            services.differences(&snapshot.services)
        } else {
            0
        };
        let wrong_people = people::wrong(&self.writer.current_people(), &snapshot.people, told);
        let others = wrong_services + wrong_people;
        self.metrics.compares.inc();
        if !wrong.is_empty() || others > 0 {
            self.metrics
                .corrections
                .inc_by((wrong.len() + others) as u64);
            tracing::error!(
                devices = wrong.len(),
                service_clients = wrong_services,
                people = wrong_people,
                example = wrong.first(),
                "the table differed from the database without a change in the log"
            );
        }
        self.publish(snapshot);
        Ok(())
    }

    fn publish(&mut self, snapshot: Snapshot) {
        let Snapshot {
            head,
            table,
            services,
            people,
            rights_left_out,
            ..
        } = snapshot;
        self.writer.replace(table, services);
        self.writer.replace_people(people);
        self.metrics
            .rights_left_out
            .set(i64::try_from(rights_left_out).unwrap_or(i64::MAX));
        self.keeper.holds(head);
    }

    fn note_lapses(&mut self) {
        let new = self.keeper.lapses() - self.metrics.lapses.get();
        if new > 0 {
            self.metrics.lapses.inc_by(new);
            tracing::warn!("the lease lapsed; nothing is allowed until a new one is held");
        }
    }

    fn went_well(&mut self) {
        if let Some(applied) = self.keeper.applied() {
            self.metrics.applied.set(applied);
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

/// Why everything is loaded.
fn reload(doubt: Option<Doubt>) -> Reload {
    match doubt {
        None => Reload::Start,
        Some(Doubt::History) => Reload::Identity,
        Some(Doubt::Behind) => Reload::Behind,
    }
}
