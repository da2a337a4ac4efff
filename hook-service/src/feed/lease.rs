//! The lease row: what this process has applied, renewed while it can.

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use uuid::Uuid;

use super::FeedError;
use super::link::STATEMENT_TIME_MAX;
use super::within;

pub(super) const TAKE: &str = "
-- feed::lease::take
WITH lapsed AS (DELETE FROM hook_lease WHERE process_uuid = $5)
INSERT INTO hook_lease (process_uuid, replica_name, applied, renewals, length_ms)
VALUES ($1, $2, $3, 0, $4)";

/// Not flushed to disk before it counts: the next look would wait for the disk each time. That a
/// renewal is lost in a crash of the server misleads nobody. What it told was true of this process
/// and not of the disk, and the row then shows less than is applied, for which a waiter waits
/// longer. That a lease *exists* is flushed ([`TAKE`]): a waiter must not miss it.
pub(super) const RENEW: &str = "
-- feed::lease::renew
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE hook_lease
   SET applied = $2, renewals = renewals + 1
  FROM unflushed
 WHERE process_uuid = $1";

pub(super) const GIVE_BACK: &str = "
-- feed::lease::give_back
DELETE FROM hook_lease
 WHERE process_uuid = $1";

/// A lease that is held.
#[derive(Debug)]
pub(super) struct Lease {
    process: Uuid,
    length: Duration,
    /// Until when it counts: its length after the instant before the last renewal was sent.
    until: Instant,
    renewed: Instant,
    applied: i64,
}

/// What a renewal came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// It counts until then.
    Until(Instant),
    /// It came too late, or the row is gone: whoever waited may have stopped waiting for us.
    Lapsed,
}

impl Lease {
    /// Takes a new lease, under a new name: two processes never hide each other, and what waited
    /// for an earlier lease never takes this one for it. The row of a `lapsed` one is removed.
    pub(super) async fn take(
        client: &Client,
        replica_name: &str,
        length: Duration,
        applied: i64,
        lapsed: Option<Uuid>,
    ) -> Result<Self, FeedError> {
        let process = Uuid::new_v4();
        let length_ms = i32::try_from(length.as_millis()).expect("at most five minutes");
        let before = Instant::now();
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&process, &replica_name, &applied, &length_ms, &lapsed];
        within(STATEMENT_TIME_MAX, client.execute(TAKE, &params)).await?;
        Ok(Self {
            process,
            length,
            until: before + length,
            renewed: before,
            applied,
        })
    }

    /// The name that this lease stands under.
    pub(super) fn process(&self) -> Uuid {
        self.process
    }

    /// Whether it is time: something was applied, or a sixth of the length has passed.
    pub(super) fn is_due(&self, applied: i64, now: Instant) -> bool {
        applied != self.applied || now.duration_since(self.renewed) >= self.length / 6
    }

    /// Whether it ran out.
    pub(super) fn has_lapsed(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Tells what was applied and extends the lease.
    ///
    /// An answer that arrives after the lease ran out does not revive it: a waiter may have seen an
    /// unchanged counter for the whole length and gone on without us.
    pub(super) async fn renew(
        &mut self,
        client: &Client,
        applied: i64,
    ) -> Result<Renewal, FeedError> {
        let before = Instant::now();
        let renewed = async { client.execute(RENEW, &[&self.process, &applied]).await };
        let rows = within(STATEMENT_TIME_MAX, renewed).await?;
        if rows != 1 || self.has_lapsed(Instant::now()) {
            return Ok(Renewal::Lapsed);
        }
        self.until = before + self.length;
        self.renewed = before;
        self.applied = applied;
        Ok(Renewal::Until(self.until))
    }

    /// Deletes the row, so that nobody waits for it.
    pub(super) async fn give_back(self, client: &Client) -> Result<(), FeedError> {
        let deleted = async { client.execute(GIVE_BACK, &[&self.process]).await };
        within(STATEMENT_TIME_MAX, deleted).await?;
        Ok(())
    }
}
