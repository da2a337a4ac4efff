//! The outbox: what must be carried outward after a commit, at least once and in order per subject.
//!
//! An entry is claimed for a while by moving its next attempt into the future. A worker that dies
//! loses its claim by the passing of that time, and no lock is held while the broker is asked.

use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::row::{get, word};
use super::{Connection, StoreError, Tx};
use crate::outbox::{OperationState, kind};
use schema::DeviceId;

const INSERT: &str = "
-- store::outbox::insert
INSERT INTO outbox (kind, subject, payload)
VALUES ($1, $2, $3)
RETURNING id";

const GET: &str = "
-- store::outbox::get
SELECT id, kind, subject, change_number, state, attempts, last_error, created_at, done_at
  FROM outbox
 WHERE id = $1";

const LATEST: &str = "
-- store::outbox::latest
SELECT id, kind, subject, change_number, state, attempts, last_error, created_at, done_at
  FROM outbox
 WHERE subject = $1
   AND kind = $2
 ORDER BY id DESC
 LIMIT 1";

/// An entry waits for every earlier one of its subject. Kinds of a newer version are left to it.
const CLAIM: &str = "
-- store::outbox::claim
UPDATE outbox
   SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3)
 WHERE id IN (
       SELECT o.id
         FROM outbox o
        WHERE o.state = 'pending'
          AND o.next_attempt_at <= now()
          AND o.kind = ANY($1)
          AND NOT EXISTS (
              SELECT 1
                FROM outbox earlier
               WHERE earlier.subject = o.subject
                 AND earlier.state = 'pending'
                 AND earlier.id < o.id)
        ORDER BY o.next_attempt_at, o.id
        LIMIT $2
          FOR UPDATE OF o SKIP LOCKED)
RETURNING id, kind, subject, change_number, attempts";

const DONE: &str = "
-- store::outbox::done
UPDATE outbox
   SET state = 'done', done_at = now(), last_error = NULL
 WHERE id = $1
   AND state = 'pending'";

const FAILED: &str = "
-- store::outbox::failed
UPDATE outbox
   SET last_error = $2, next_attempt_at = now() + make_interval(secs => $3)
 WHERE id = $1
   AND state = 'pending'";

const EXPLAIN: &str = "
-- store::outbox::explain
UPDATE outbox
   SET last_error = $1
 WHERE state = 'pending'
   AND last_error IS DISTINCT FROM $1";

const BACKLOG: &str = "
-- store::outbox::backlog
SELECT count(*) AS depth,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_s
  FROM outbox
 WHERE state = 'pending'";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] =
    &[INSERT, GET, LATEST, CLAIM, DONE, FAILED, EXPLAIN, BACKLOG];

/// An entry as stored.
#[derive(Debug, Clone)]
pub(crate) struct OperationRow {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) change_number: Option<i64>,
    pub(crate) state: OperationState,
    pub(crate) attempts: i32,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) done_at: Option<OffsetDateTime>,
}

/// An entry claimed by this worker for a while.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) change_number: Option<i64>,
    pub(crate) attempts: i32,
}

/// How much waits, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Backlog {
    /// Pending entries.
    pub(crate) depth: i64,
    /// Age of the oldest in seconds by the database's clock; 0 if there is none.
    pub(crate) oldest_s: f64,
}

impl TryFrom<&Row> for OperationRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: get(row, "id")?,
            kind: get(row, "kind")?,
            subject: get(row, "subject")?,
            change_number: get(row, "change_number")?,
            state: word(row, "state", OperationState::from_word)?,
            attempts: get(row, "attempts")?,
            last_error: get(row, "last_error")?,
            created_at: get(row, "created_at")?,
            done_at: get(row, "done_at")?,
        })
    }
}

impl Tx<'_> {
    /// Adds an entry that counts when this transaction does. Gives its id.
    pub(crate) async fn add_to_outbox(
        &self,
        kind: &str,
        subject: &DeviceId,
        payload: &Value,
    ) -> Result<i64, StoreError> {
        let row = self
            .row(INSERT, &[&kind, &subject.as_str(), payload])
            .await?;
        get(&row.ok_or(StoreError::Row { column: "id" })?, "id")
    }
}

impl Connection {
    /// An entry.
    pub(crate) async fn operation(&self, id: i64) -> Result<Option<OperationRow>, StoreError> {
        let row = self.row(GET, &[&id]).await?;
        row.as_ref().map(OperationRow::try_from).transpose()
    }

    /// The newest entry of a kind for a device.
    pub(crate) async fn latest_operation(
        &self,
        subject: &DeviceId,
        kind: &str,
    ) -> Result<Option<OperationRow>, StoreError> {
        let row = self.row(LATEST, &[&subject.as_str(), &kind]).await?;
        row.as_ref().map(OperationRow::try_from).transpose()
    }

    /// Claims due entries for `lease_s` seconds.
    pub(crate) async fn claim_outbox(
        &self,
        limit: i64,
        lease_s: f64,
    ) -> Result<Vec<Claimed>, StoreError> {
        let rows = self.rows(CLAIM, &[&kind::ALL, &limit, &lease_s]).await?;
        rows.iter()
            .map(|row| {
                Ok(Claimed {
                    id: get(row, "id")?,
                    kind: get(row, "kind")?,
                    subject: get(row, "subject")?,
                    change_number: get(row, "change_number")?,
                    attempts: get(row, "attempts")?,
                })
            })
            .collect()
    }

    /// Ends an entry. One that ended meanwhile stays as it is.
    pub(crate) async fn outbox_done(&self, id: i64) -> Result<(), StoreError> {
        self.change(DONE, &[&id]).await.map(drop)
    }

    /// Notes why an attempt failed, and when the next one is.
    pub(crate) async fn outbox_failed(
        &self,
        id: i64,
        reason: &str,
        pause_s: f64,
    ) -> Result<(), StoreError> {
        self.change(FAILED, &[&id, &reason, &pause_s])
            .await
            .map(drop)
    }

    /// Writes one reason to every pending entry, for when none of them is attempted.
    pub(crate) async fn explain_outbox(&self, reason: &str) -> Result<u64, StoreError> {
        self.change(EXPLAIN, &[&reason]).await
    }

    /// How much waits.
    pub(crate) async fn backlog(&self) -> Result<Backlog, StoreError> {
        let row = self.row(BACKLOG, &[]).await?;
        let row = row.ok_or(StoreError::Row { column: "depth" })?;
        Ok(Backlog {
            depth: get(&row, "depth")?,
            oldest_s: get(&row, "oldest_s")?,
        })
    }
}
