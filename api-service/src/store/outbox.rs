//! The outbox: what must be carried outward after a commit, at least once and in order per subject.
//!
//! This file puts entries in, shows them and forgets old ones; `work` is what a worker does with them.

use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::row::{get, word};
use super::{Connection, StoreError, Tx};
use crate::outbox::timeline::{ClusterProgress, Timeline};
use crate::outbox::{OperationState, Phase, kind};
use schema::DeviceId;

pub(crate) mod work;

/// A newer entry does not wait for the pause of an older one of its subject: the older is looked at
/// now, found needless, and out of the way.
const INSERT: &str = "
-- store::outbox::insert
WITH woken AS (
    UPDATE outbox AS older
       SET next_attempt_at = now()
     WHERE older.subject = $2
       AND older.state = 'pending'
       AND older.next_attempt_at > now()
       AND older.claimed_by IS NULL)
INSERT INTO outbox (kind, subject, payload)
VALUES ($1, $2, $3)
RETURNING id";

const INSERT_MANY: &str = "
-- store::outbox::insert_many
WITH woken AS (
    UPDATE outbox AS older
       SET next_attempt_at = now()
     WHERE older.subject = ANY($2::text[])
       AND older.state = 'pending'
       AND older.next_attempt_at > now()
       AND older.claimed_by IS NULL)
INSERT INTO outbox (kind, subject, payload, mass, bulk_id)
SELECT $1, subject, $3, $4, $5
  FROM unnest($2::text[]) AS subject
 ORDER BY subject
RETURNING id";

/// A statement that reads [`OperationRow`]s.
macro_rules! select_operation {
    ($name:expr, $rest:expr) => {
        concat!(
            "\n-- store::",
            $name,
            "
SELECT id, kind, subject, change_number, state, phase, timeline, clusters, superseded_by, attempts,
       last_error, created_at, done_at
  FROM outbox
",
            $rest
        )
    };
}
pub(super) use select_operation;

const GET: &str = select_operation!("outbox::get", " WHERE id = $1");

const LATEST: &str = select_operation!(
    "outbox::latest",
    " WHERE subject = $1
   AND kind = $2
 ORDER BY id DESC
 LIMIT 1"
);

/// Of the kinds that this version works on: what waits for somebody else is not late.
const BACKLOG: &str = "
-- store::outbox::backlog
SELECT count(*) AS depth,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_s,
       (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead
  FROM outbox
 WHERE state = 'pending'
   AND kind = ANY($1)";

/// What became needless before anybody took it up.
const WITHDRAW: &str = "
-- store::outbox::withdraw
UPDATE outbox
   SET state = 'done', phase = 'superseded', done_at = now()
 WHERE subject = $1
   AND kind = $2
   AND state = 'pending'";

/// In small bites, so that no purge holds a lock for long.
const PURGE: &str = "
-- store::outbox::purge
DELETE FROM outbox
 WHERE id IN (
       SELECT id
         FROM outbox
        WHERE state = 'done'
          AND done_at < now() - interval '30 days'
        LIMIT 1000)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] =
    &[INSERT, INSERT_MANY, GET, LATEST, BACKLOG, WITHDRAW, PURGE];

/// An entry as stored.
#[derive(Debug, Clone)]
pub(crate) struct OperationRow {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) change_number: Option<i64>,
    pub(crate) state: OperationState,
    pub(crate) phase: Phase,
    pub(crate) timeline: Timeline,
    pub(crate) clusters: Vec<ClusterProgress>,
    pub(crate) superseded_by: Option<i64>,
    pub(crate) attempts: i32,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) done_at: Option<OffsetDateTime>,
}

/// Entries for many devices at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntries<'a> {
    /// What to do; a word of [`crate::outbox::kind`].
    pub(crate) kind: &'a str,
    /// To which devices.
    pub(crate) subjects: &'a [DeviceId],
    /// What the kind needs to know.
    pub(crate) payload: &'a Value,
    /// They are of more than a thousand devices: kicked in bulk, not banned.
    pub(crate) mass: bool,
    /// The command over many devices that they belong to.
    pub(crate) bulk_id: Option<i64>,
}

/// How much waits, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Backlog {
    /// Pending entries.
    pub(crate) depth: i64,
    /// Entries that were given up.
    pub(crate) dead: i64,
    /// Age of the oldest pending one in seconds by the database's clock; 0 if there is none.
    pub(crate) oldest_s: f64,
}

impl TryFrom<&Row> for OperationRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        let phase = read_phase(row)?;
        let state: &str = get(row, "state")?;
        Ok(Self {
            id: get(row, "id")?,
            kind: get(row, "kind")?,
            subject: get(row, "subject")?,
            change_number: get(row, "change_number")?,
            state: OperationState::from_words(state, phase)
                .ok_or(StoreError::Row { column: "state" })?,
            phase,
            timeline: json(row, "timeline")?,
            clusters: json(row, "clusters")?,
            superseded_by: get(row, "superseded_by")?,
            attempts: get(row, "attempts")?,
            last_error: get(row, "last_error")?,
            created_at: get(row, "created_at")?,
            done_at: get(row, "done_at")?,
        })
    }
}

fn read_phase(row: &Row) -> Result<Phase, StoreError> {
    word(row, "phase", Phase::from_word)
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    let value: Value = get(row, column)?;
    serde_json::from_value(value).map_err(|_| StoreError::Row { column })
}

impl Tx<'_> {
    /// Adds an entry that counts when this transaction does. The subject is the id of a device or of
    /// an account, as the kind says. Gives the entry's id.
    pub(crate) async fn add_to_outbox(
        &self,
        kind: &str,
        subject: impl AsRef<str> + Sync,
        payload: &Value,
    ) -> Result<i64, StoreError> {
        let row = self
            .row(INSERT, &[&kind, &subject.as_ref(), payload])
            .await?;
        get(&row.ok_or(StoreError::Row { column: "id" })?, "id")
    }

    /// Withdraws the pending entries of a kind that are about a subject.
    pub(crate) async fn withdraw_from_outbox(
        &self,
        kind: &str,
        subject: &str,
    ) -> Result<(), StoreError> {
        self.change(WITHDRAW, &[&subject, &kind]).await.map(drop)
    }

    /// Adds an entry for each of some devices, which are locked in the order of their ids. Gives the
    /// entries' ids.
    pub(crate) async fn add_many_to_outbox(
        &self,
        new: NewEntries<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        let subjects: Vec<&str> = new.subjects.iter().map(DeviceId::as_str).collect();
        let rows = self
            .rows(
                INSERT_MANY,
                &[&new.kind, &subjects, new.payload, &new.mass, &new.bulk_id],
            )
            .await?;
        rows.iter().map(|row| get(row, "id")).collect()
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

    /// How much waits.
    pub(crate) async fn backlog(&self) -> Result<Backlog, StoreError> {
        let row = self.row(BACKLOG, &[&kind::ALL]).await?;
        let row = row.ok_or(StoreError::Row { column: "depth" })?;
        Ok(Backlog {
            depth: get(&row, "depth")?,
            dead: get(&row, "dead")?,
            oldest_s: get(&row, "oldest_s")?,
        })
    }

    /// Forgets entries that were done thirty days ago, at most 1,000. Says how many.
    pub(crate) async fn purge_outbox(&self) -> Result<u64, StoreError> {
        self.change(PURGE, &[]).await
    }
}
