//! What the audit has of a device.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError};
use schema::DeviceId;

/// Refusals of who did not even see the device are the operators' to look at, not its owner's.
const LIST: &str = "
-- store::device_history::list
SELECT entry_id, at, actor_kind, actor_id, action, outcome, code
  FROM audit_entry
 WHERE subject_kind = 'device'
   AND subject_id = $1
   AND entry_id < $2
   AND at >= $3
   AND (outcome = 'done' OR code <> 'device_not_found')
 ORDER BY entry_id DESC
 LIMIT $4";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[LIST];

/// An entry, without what was before and after it.
#[derive(Debug, Clone)]
pub(crate) struct HistoryRow {
    pub(crate) entry_id: i64,
    pub(crate) at: OffsetDateTime,
    pub(crate) actor_kind: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: String,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
}

impl Connection {
    /// What happened to a device since a moment, newest first, before an entry or from the newest on.
    pub(crate) async fn device_history(
        &self,
        id: &DeviceId,
        since: OffsetDateTime,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let rows = self
            .rows(LIST, &[&id.as_str(), &before, &since, &limit])
            .await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(HistoryRow {
                entry_id: get(row, "entry_id")?,
                at: get(row, "at")?,
                actor_kind: get(row, "actor_kind")?,
                actor_id: get(row, "actor_id")?,
                action: get(row, "action")?,
                outcome: get(row, "outcome")?,
                code: get(row, "code")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
