//! The leases of hook-service's processes, as operators see them. The fence reads them on its own.

use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError, Tx};

const LIST: &str = "
-- store::hook_replica::list
SELECT process_uuid, replica_name, applied, renewals, length_ms,
       (SELECT coalesce(max(number), 0) FROM change) AS newest
  FROM hook_lease
 ORDER BY replica_name, process_uuid";

/// With a counter only while it stands there: a replica that renews is not taken by mistake.
const REMOVE: &str = "
-- store::hook_replica::remove
DELETE FROM hook_lease
 WHERE process_uuid = $1
   AND ($2::bigint IS NULL OR renewals = $2)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[LIST, REMOVE];

/// A process of hook-service that holds a lease, or did when it ended.
#[derive(Debug, Clone)]
pub(crate) struct ReplicaRow {
    pub(crate) process: Uuid,
    pub(crate) name: String,
    /// The newest change that it had applied when it last renewed.
    pub(crate) applied: i64,
    /// Grows with each renewal.
    pub(crate) renewals: i64,
    /// How long its lease counts after a renewal.
    pub(crate) length_ms: i32,
    /// The newest change of all.
    pub(crate) newest: i64,
}

impl Connection {
    /// Every lease, by the replicas' names.
    pub(crate) async fn hook_replicas(&self) -> Result<Vec<ReplicaRow>, StoreError> {
        let rows = self.rows(LIST, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(ReplicaRow {
                    process: get(row, "process_uuid")?,
                    name: get(row, "replica_name")?,
                    applied: get(row, "applied")?,
                    renewals: get(row, "renewals")?,
                    length_ms: get(row, "length_ms")?,
                    newest: get(row, "newest")?,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// Takes a lease away; `false` if there is none, or if its counter is not where it was.
    pub(crate) async fn remove_hook_replica(
        &self,
        process: Uuid,
        unmoved_at: Option<i64>,
    ) -> Result<bool, StoreError> {
        Ok(self.change(REMOVE, &[&process, &unmoved_at]).await? == 1)
    }
}
