//! The poll: the newest change, and which database this is.

use lease::{Head, History};
use tokio_postgres::{GenericClient, Statement};
use uuid::Uuid;

use super::FeedError;

/// One statement, so that all of it is of one moment. It fails on a standby, whose data may lag:
/// `pg_current_wal_lsn` cannot be called there. The timeline is read from the WAL position, because
/// `pg_control_checkpoint` tells the old one for a while after a promotion.
pub(super) const HEAD: &str = "
-- feed::head
SELECT (SELECT coalesce(max(number), 0) FROM change) AS number,
       (SELECT epoch FROM feed_state) AS epoch,
       (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline";

/// Reads the head.
pub(super) async fn read(
    client: &impl GenericClient,
    statement: &Statement,
) -> Result<Head, FeedError> {
    let row = client.query_one(statement, &[]).await?;
    let epoch: Option<Uuid> = row.try_get("epoch")?;
    Ok(Head {
        number: row.try_get("number")?,
        history: History {
            epoch: epoch.ok_or(FeedError::NoState)?,
            system_identifier: row.try_get("system_identifier")?,
            timeline: row.try_get("timeline")?,
        },
    })
}
