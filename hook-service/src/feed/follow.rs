//! Carries out what the lease's [`Keeper`] says: takes a lease, looks, applies, renews, waits.
//!
//! The order of these steps is what makes a revoke end; it stands in the crate [`lease`], where a
//! randomized test drives it. Here each step meets the database, the table and the metrics.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lease::{Doubt, Keeper, Standing, Step};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::catch_up;
use super::link::{Database, Link, STATEMENT_TIME_MAX, Statements};
use super::log::Log;
use super::snapshot::{self, Snapshot};
use super::{FeedError, FeedSettings, head, lease as row, people, within};
use crate::fleet::Writer;
use crate::metrics::{Metrics, Reload};

/// Applying a piece of the log may take this long.
const CATCH_UP_TIME_MAX: Duration = Duration::from_secs(60);

/// A renewal that was answered.
struct Renewal {
    process: Uuid,
    /// The instant before it was sent.
    before: Instant,
    /// How many rows it changed.
    rows: Result<u64, FeedError>,
}

/// What outlives a broken link.
pub(super) struct Follower<'a> {
    settings: &'a FeedSettings,
    writer: Writer,
    keeper: Keeper,
    metrics: &'a Metrics,
    live: &'a CancellationToken,
    /// On their way. At most one; it ends with the link.
    renewals: JoinSet<Renewal>,
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
            renewals: JoinSet::new(),
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
                within(STATEMENT_TIME_MAX, schema::check_version(link.client())).await?;
                link.refuse_pooler().await?;
            }
            let statements = Statements::prepare(&link).await?;
            Ok::<_, FeedError>((link, statements))
        };
        let (mut link, statements) = tokio::select! {
            linked = linked => linked?,
            () = stop.cancelled() => return Ok(()),
        };
        tokio::select! {
            ended = self.keep_up(&mut link, &statements) => return ended,
            () = stop.cancelled() => {}
        }
        match self.keeper.stop() {
            // Behind a renewal that is on its way. On the other connection a look may be open.
            Some(process) => row::give_back(&link.renewals().client, process).await,
            None => Ok(()),
        }
    }

    /// Does step after step, until the link breaks. May be dropped at any point: what is applied is
    /// noted only after it is, and a lease that was not noted is one that nobody allows under.
    async fn keep_up(&mut self, link: &mut Link, statements: &Statements) -> Result<(), FeedError> {
        let mut compare_at = Instant::now() + self.settings.compare_every;
        self.renewals = JoinSet::new();
        self.keeper.linked();
        loop {
            if let Some(ended) = self.renewals.try_join_next() {
                renewed(&mut self.keeper, self.metrics, ended)?;
            }
            let step = self.keeper.next(Instant::now());
            self.note_lapses();
            match step {
                Step::Rest => {
                    self.went_well();
                    tokio::select! {
                        biased;
                        Some(ended) = self.renewals.join_next() => {
                            renewed(&mut self.keeper, self.metrics, ended)?;
                        }
                        compare = wait(self.settings, self.metrics, link, compare_at) => {
                            let compare = compare?;
                            if compare {
                                compare_at = Instant::now() + self.settings.compare_every;
                            }
                            self.keeper.look(compare);
                        }
                    }
                }
                Step::Renew { process } => {
                    let renewal = self.renewal(link, statements, process);
                    self.renewals.spawn(renewal);
                    self.keeper.renewal_sent();
                }
                step => self.carry_out(step, link, statements).await?,
            }
        }
    }

    /// A renewal, begun now. Following goes on meanwhile: it waits for the database's disk.
    fn renewal(
        &self,
        link: &Link,
        statements: &Statements,
        process: Uuid,
    ) -> impl Future<Output = Renewal> + use<> {
        let before = Instant::now();
        let (link, statement) = (Arc::clone(link.renewals()), statements.renew.clone());
        let history = self.keeper.history();
        let timeline = history.map_or_else(String::new, |history| history.timeline.clone());
        async move {
            Renewal {
                process,
                before,
                rows: row::renew(&link.client, &statement, process, &timeline).await,
            }
        }
    }

    async fn carry_out(
        &mut self,
        step: Step,
        link: &mut Link,
        statements: &Statements,
    ) -> Result<(), FeedError> {
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
                let process = row::take(link.client(), replica_name, length, former).await?;
                self.keeper.taken(process, before);
            }
            Step::Head => self.look(link, statements).await?,
            Step::Load(doubt) => self.load(link, statements, reload(doubt)).await?,
            // Only after a look without a log, for which there was nothing to catch up with.
            Step::CatchUp { .. } => self.keeper.look(false),
            Step::Compare { after } => self.compare(link, statements, after).await?,
            Step::Tell { process, applied } => {
                let rows = row::tell(link.client(), &statements.tell, process, applied).await?;
                self.keeper.told(applied, rows);
            }
            Step::Renew { .. } | Step::Rest => {}
        }
        Ok(())
    }

    /// Reads the head, and applies what it finds in the same snapshot.
    async fn look(&mut self, link: &mut Link, statements: &Statements) -> Result<(), FeedError> {
        let Some(after) = self.keeper.applied() else {
            let head = head::read(link.client(), &statements.head);
            self.keeper.saw(&within(STATEMENT_TIME_MAX, head).await?);
            return Ok(());
        };
        let begun = catch_up::begin(link.client(), statements, after);
        let (head, log) = within(CATCH_UP_TIME_MAX, begun).await?;
        self.keeper.saw(&head);
        let catches_up = self.keeper.next(Instant::now()) == Step::CatchUp { after };
        let reason = match log {
            Log::Piece(piece) if catches_up => {
                let client = link.client();
                let applied =
                    catch_up::apply(client, statements, &mut self.writer, self.metrics, &piece);
                let newest = within(CATCH_UP_TIME_MAX, applied).await?;
                self.keeper.caught_up(newest);
                return Ok(());
            }
            Log::Gap => Reload::Gap,
            _ => Reload::Bulk,
        };
        within(STATEMENT_TIME_MAX, catch_up::end(link.client())).await?;
        if catches_up {
            self.load(link, statements, reason).await?;
        }
        Ok(())
    }

    /// Loads everything beside the serving table, then swaps.
    async fn load(
        &mut self,
        link: &mut Link,
        statements: &Statements,
        reason: Reload,
    ) -> Result<(), FeedError> {
        let start = Instant::now();
        let snapshot = self.snapshot(link, statements, None).await?;
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
    async fn compare(
        &mut self,
        link: &mut Link,
        statements: &Statements,
        after: i64,
    ) -> Result<(), FeedError> {
        let snapshot = self.snapshot(link, statements, Some(after)).await?;
        if !self.keeper.is_of_its_history(&snapshot.head) {
            self.keeper.look(false); // which finds out and loads everything
            return Ok(());
        }
        // What changed since is no correction: the log would have told.
        let Some(Log::Piece(told)) = &snapshot.since else {
            return self.load(link, statements, Reload::Gap).await;
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

    /// Reads everything. A renewal that was sent before is heard meanwhile: reading a big fleet can
    /// take longer than what is left of the lease that it extends.
    async fn snapshot(
        &mut self,
        link: &mut Link,
        statements: &Statements,
        since: Option<i64>,
    ) -> Result<Snapshot, FeedError> {
        let numbers = self.writer.numbers();
        let mut read = pin!(snapshot::load(link, statements, since, numbers));
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.renewals.join_next() => {
                    renewed(&mut self.keeper, self.metrics, ended)?;
                }
                read = &mut read => return read,
            }
        }
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
        // The renewal that opens the gate may be on its way still.
        if self.writer.gate().standing(Instant::now()) == Standing::Fresh {
            self.live.cancel();
        }
    }
}

fn renewed(
    keeper: &mut Keeper,
    metrics: &Metrics,
    ended: Result<Renewal, JoinError>,
) -> Result<(), FeedError> {
    // One that panicked or was aborted says nothing; the link is made anew.
    let renewal = ended.map_err(|_| FeedError::Broken)?;
    let rows = renewal.rows?;
    if keeper.renewed(renewal.process, renewal.before, Instant::now(), rows) {
        metrics.renewals.inc();
    }
    Ok(())
}

/// Waits for a reason to look again; `true` if it is time to compare everything.
async fn wait(
    settings: &FeedSettings,
    metrics: &Metrics,
    link: &Link,
    compare_at: Instant,
) -> Result<bool, FeedError> {
    tokio::select! {
        biased;
        () = link.broken() => Err(FeedError::Broken),
        () = tokio::time::sleep_until(compare_at.into()) => Ok(true),
        () = link.hinted() => {
            metrics.woken_by_hint.inc();
            Ok(false)
        }
        () = tokio::time::sleep(settings.poll_every) => {
            metrics.woken_by_poll.inc();
            Ok(false)
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
