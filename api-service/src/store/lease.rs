//! The leases of hook-service's replicas, and how durable what is committed is. Only ever read here.

use lease::{History, Row};
use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError};

/// One statement, so that all of it is of one moment. It fails on a standby, whose data may lag. The
/// position is read after the moment of the rows, so every change of that moment lies before it.
const LOOK: &str = "
-- store::lease::look
SELECT head.number, head.epoch, head.system_identifier, head.timeline, head.position,
       head.synchronous, l.process_uuid, l.replica_name, l.applied, l.renewals, l.length_ms
  FROM (SELECT (SELECT coalesce(max(number), 0) FROM change) AS number,
               (SELECT epoch FROM feed_state) AS epoch,
               (SELECT system_identifier FROM pg_control_system()) AS system_identifier,
               substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
               pg_current_wal_lsn()::text AS position,
               current_setting('synchronous_standby_names') <> '' AS synchronous) AS head
  LEFT JOIN hook_lease AS l ON true";

/// False too where the role may not see it: `pg_read_all_stats`, granted by the schema, lets it.
const IS_REPLICATED: &str = "
-- store::lease::is_replicated
SELECT count(*) > 0 AS replicated
  FROM pg_stat_replication
 WHERE sync_state IN ('sync', 'quorum')
   AND flush_lsn >= $1::text::pg_lsn";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[LOOK, IS_REPLICATED];

/// All leases of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Leases {
    /// The newest change.
    pub(crate) newest: i64,
    /// The history it belongs to.
    pub(crate) history: History,
    /// A WAL position after that change.
    pub(crate) position: String,
    /// Whether commits wait for a standby.
    pub(crate) synchronous: bool,
    /// The leases.
    pub(crate) rows: Vec<Row>,
    /// What operators call the process of the row in the same place.
    pub(crate) names: Vec<String>,
}

impl Connection {
    /// Reads every lease.
    pub(crate) async fn leases(&self) -> Result<Leases, StoreError> {
        let found = self.rows(LOOK, &[]).await?;
        let head = found.first().ok_or(StoreError::Row { column: "number" })?;
        let epoch: Option<Uuid> = get(head, "epoch")?;
        let mut leases = Leases {
            newest: get(head, "number")?,
            history: History {
                epoch: epoch.ok_or(StoreError::Row { column: "epoch" })?,
                system_identifier: get(head, "system_identifier")?,
                timeline: get(head, "timeline")?,
            },
            position: get(head, "position")?,
            synchronous: get(head, "synchronous")?,
            rows: Vec::with_capacity(found.len()),
            names: Vec::with_capacity(found.len()),
        };
        for row in &found {
            let Some(process) = get(row, "process_uuid")? else {
                continue; // nobody holds a lease
            };
            leases.rows.push(Row {
                process,
                applied: get(row, "applied")?,
                renewals: get(row, "renewals")?,
                length_ms: get(row, "length_ms")?,
            });
            leases.names.push(get(row, "replica_name")?);
        }
        Ok(leases)
    }

    /// Whether everything before a WAL position is on the disk of a synchronous standby.
    pub(crate) async fn is_replicated(&self, position: &str) -> Result<bool, StoreError> {
        let row = self.row(IS_REPLICATED, &[&position]).await?;
        let column = "replicated";
        get(&row.ok_or(StoreError::Row { column })?, column)
    }
}
