//! How far the devices of a bulk operation are: from the outbox, where each has its entry.

use tokio_postgres::Row;

use super::row::get;
use super::{Connection, StoreError};

/// Entries that are done may be purged, so they are not counted: they are what is left.
const PHASES: &str = "
-- store::progress::phases
SELECT count(*) FILTER (WHERE state = 'dead') AS failed,
       count(*) FILTER (WHERE state = 'pending' AND phase = 'committed') AS committed,
       count(*) FILTER (WHERE state = 'pending' AND phase = 'fenced') AS fenced,
       count(*) FILTER (WHERE state = 'pending' AND phase = 'closed') AS closed
  FROM outbox
 WHERE bulk_id = $1
   AND state <> 'done'";

/// What failed comes first, then what is furthest behind.
const SLOWEST: &str = "
-- store::progress::slowest
SELECT id, subject, state = 'dead' AS failed, phase, attempts, last_error,
       extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_s
  FROM outbox
 WHERE bulk_id = $1
   AND (state = 'dead' OR (state = 'pending' AND phase IN ('committed', 'fenced', 'closed')))
 ORDER BY state = 'dead' DESC,
          array_position(ARRAY['committed', 'fenced', 'closed'], phase::text),
          attempts DESC, id
 LIMIT $2";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[PHASES, SLOWEST];

/// How many devices that are not at their end stand where.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PhaseCounts {
    pub(crate) committed: i64,
    pub(crate) fenced: i64,
    pub(crate) closed: i64,
    pub(crate) failed: i64,
}

/// A device that is not at its end.
#[derive(Debug, Clone)]
pub(crate) struct SlowRow {
    pub(crate) id: i64,
    pub(crate) subject: String,
    pub(crate) failed: bool,
    pub(crate) phase: String,
    pub(crate) attempts: i32,
    pub(crate) last_error: Option<String>,
    /// Seconds since its entry was made, by the database's clock.
    pub(crate) age_s: f64,
}

impl TryFrom<&Row> for SlowRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: get(row, "id")?,
            subject: get(row, "subject")?,
            failed: get(row, "failed")?,
            phase: get(row, "phase")?,
            attempts: get(row, "attempts")?,
            last_error: get(row, "last_error")?,
            age_s: get(row, "age_s")?,
        })
    }
}

impl Connection {
    /// How many devices of a bulk operation stand where.
    pub(crate) async fn bulk_phases(&self, id: i64) -> Result<PhaseCounts, StoreError> {
        let row = self.row(PHASES, &[&id]).await?;
        let row = row.ok_or(StoreError::Row { column: "failed" })?;
        Ok(PhaseCounts {
            committed: get(&row, "committed")?,
            fenced: get(&row, "fenced")?,
            closed: get(&row, "closed")?,
            failed: get(&row, "failed")?,
        })
    }

    /// The devices of a bulk operation that are furthest behind.
    pub(crate) async fn bulk_slowest(
        &self,
        id: i64,
        limit: i64,
    ) -> Result<Vec<SlowRow>, StoreError> {
        let rows = self.rows(SLOWEST, &[&id, &limit]).await?;
        rows.iter().map(SlowRow::try_from).collect()
    }
}
