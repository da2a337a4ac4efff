//! The lease row: what this process has applied, renewed while it can.
//!
//! When to do what, and what an answer means, is [`lease::Keeper`]'s; here are the statements.

use std::time::Duration;

use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::link::STATEMENT_TIME_MAX;
use super::{FeedError, within};

/// Flushed to disk, like every commit: a waiter must not miss that a lease exists.
pub(super) const TAKE: &str = "
-- feed::lease::take
WITH former AS (DELETE FROM hook_lease WHERE process_uuid = $4)
INSERT INTO hook_lease (process_uuid, replica_name, applied, renewals, length_ms)
VALUES ($1, $2, 0, 0, $3)";

/// Extends the lease, so it is flushed too, and with a synchronous standby it waits for that one. A
/// renewal that a crash takes back would show a renewed lease as an unchanged one; and one that does
/// not wait for the standby would let a replica renew for ever on a primary that was cut off.
///
/// It goes over a connection of its own, which could lead to another server than the one that is
/// followed: hence the timeline, and not a word about what is applied.
pub(super) const RENEW: &str = "
-- feed::lease::renew
UPDATE hook_lease
   SET renewals = renewals + 1
 WHERE process_uuid = $1
   AND substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) = $2";

/// Not flushed before it counts: a waiter would wait for the disk each time. Lost in a crash, the
/// row shows less than is applied, for which a waiter waits longer. It extends nothing.
pub(super) const TELL: &str = "
-- feed::lease::tell
WITH unflushed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE hook_lease
   SET applied = $2
  FROM unflushed
 WHERE process_uuid = $1";

pub(super) const GIVE_BACK: &str = "
-- feed::lease::give_back
DELETE FROM hook_lease
 WHERE process_uuid = $1";

/// Takes a lease under a new name: two processes never hide each other, and what waited for an
/// earlier lease never takes this one for it. The row of the `former` one is removed. A length of
/// `None` is a lease that never lapses.
pub(super) async fn take(
    client: &Client,
    replica_name: &str,
    length: Option<Duration>,
    former: Option<Uuid>,
) -> Result<Uuid, FeedError> {
    let process = Uuid::new_v4();
    let length_ms = length.map_or(lease::LENGTH_ENDLESS_MS, |length| {
        i32::try_from(length.as_millis()).expect("at most five minutes")
    });
    let taken = async {
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&process, &replica_name, &length_ms, &former];
        client.execute(TAKE, &params).await
    };
    within(STATEMENT_TIME_MAX, taken).await?;
    Ok(process)
}

/// Counts a renewal up, if the server is on this timeline. Gives how many rows that changed.
pub(super) async fn renew(
    client: &Client,
    statement: &Statement,
    process: Uuid,
    timeline: &str,
) -> Result<u64, FeedError> {
    let renewed = async { client.execute(statement, &[&process, &timeline]).await };
    within(STATEMENT_TIME_MAX, renewed).await
}

/// Says what is applied. Gives how many rows that changed.
pub(super) async fn tell(
    client: &Client,
    statement: &Statement,
    process: Uuid,
    applied: i64,
) -> Result<u64, FeedError> {
    let told = async { client.execute(statement, &[&process, &applied]).await };
    within(STATEMENT_TIME_MAX, told).await
}

/// Deletes the row, so that nobody waits for it.
pub(super) async fn give_back(client: &Client, process: Uuid) -> Result<(), FeedError> {
    let deleted = async { client.execute(GIVE_BACK, &[&process]).await };
    within(STATEMENT_TIME_MAX, deleted).await?;
    Ok(())
}
