//! Bulk operations: the row of a call, which is also the cursor of whoever carries it out, and the
//! chunks of devices that it leads to.
//!
//! A chunk is one transaction: it holds the call's row, so that one worker at a time moves it, locks
//! its devices in the order of their ids, and moves the cursor with what it changed. A crash leaves
//! nothing half done.

use certs::RevocationReason;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::outbox::NewEntries;
use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::selector::Selector;
use crate::outbox::kind::END_DEVICE_SESSIONS;
use schema::DeviceId;

/// What a bulk operation of this version does.
const REVOKE_DEVICES: &str = "revoke_devices";

/// Above so many devices, sessions are ended by bulk kicks and not by a ban each.
const BANS_MAX: i64 = 1_000;

const INSERT: &str = "
-- store::bulk::insert
INSERT INTO bulk_operation (kind, params, account, total)
VALUES ($1, $2, $3, $4)
RETURNING id, params, state, total, acted, last_error, created_at, done_at";

const GET: &str = "
-- store::bulk::get
SELECT id, params, state, total, acted, last_error, created_at, done_at
  FROM bulk_operation
 WHERE id = $1
   AND kind = $2";

/// The row's lock is the claim: it ends with the transaction, however that ends.
const NEXT: &str = "
-- store::bulk::next
SELECT id, params, total, through_id, attempts
  FROM bulk_operation
 WHERE state = 'pending'
   AND kind = $1
   AND next_attempt_at <= now()
 ORDER BY next_attempt_at, id
 LIMIT 1
   FOR UPDATE SKIP LOCKED";

const LOCK_DEVICES: &str = "
-- store::bulk::lock_devices
SELECT device_id
  FROM device
 WHERE device_id = ANY($1)
   AND lifecycle <> 'revoked'
 ORDER BY device_id
   FOR UPDATE";

const REVOKE: &str = "
-- store::bulk::revoke
UPDATE device
   SET lifecycle = 'revoked', revoked_at = now(), updated_at = now()
 WHERE device_id = ANY($1)
   AND lifecycle <> 'revoked'";

/// Retired ones too: they may still be valid in time, and a revocation list must name them.
const REVOKE_CERTIFICATES: &str = "
-- store::bulk::revoke_certificates
UPDATE certificate
   SET state = 'revoked', ended_at = coalesce(ended_at, now()), revocation_reason = $2
 WHERE device_id = ANY($1)
   AND state <> 'revoked'";

const ADVANCE: &str = "
-- store::bulk::advance
UPDATE bulk_operation
   SET through_id = $2, acted = acted + $3, attempts = 0, last_error = NULL
 WHERE id = $1";

const FINISH: &str = "
-- store::bulk::finish
UPDATE bulk_operation
   SET state = 'done', done_at = now(), last_error = NULL
 WHERE id = $1";

const FAILED: &str = "
-- store::bulk::failed
UPDATE bulk_operation
   SET attempts = attempts + 1, last_error = $2,
       next_attempt_at = now() + make_interval(secs => $3)
 WHERE id = $1
   AND state = 'pending'";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    INSERT,
    GET,
    NEXT,
    LOCK_DEVICES,
    REVOKE,
    REVOKE_CERTIFICATES,
    ADVANCE,
    FINISH,
    FAILED,
];

/// A bulk revocation about to be stored.
#[derive(Debug)]
pub(crate) struct NewBulk<'a> {
    /// Who asked.
    pub(crate) account: &'a str,
    pub(crate) selector: &'a Selector,
    pub(crate) reason: RevocationReason,
    /// Devices that are to be revoked.
    pub(crate) selected: i64,
    /// Listed ids of which there is no device.
    pub(crate) unknown: i64,
}

/// A bulk revocation as stored.
#[derive(Debug, Clone)]
pub(crate) struct BulkRow {
    pub(crate) id: i64,
    pub(crate) selector: Selector,
    pub(crate) reason: String,
    pub(crate) unknown: i64,
    /// Whether every chunk is committed.
    pub(crate) committed: bool,
    pub(crate) selected: i64,
    pub(crate) revoked: i64,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) committed_at: Option<OffsetDateTime>,
}

/// A bulk revocation whose next chunk is this transaction's business.
#[derive(Debug)]
pub(crate) struct NextChunk {
    pub(crate) id: i64,
    pub(crate) selector: Selector,
    pub(crate) reason: RevocationReason,
    pub(crate) after: String,
    /// How often its next chunk failed.
    pub(crate) attempts: i32,
    mass: bool,
}

fn params(new: &NewBulk<'_>) -> Value {
    json!({
        "selector": new.selector.word(),
        "value": new.selector.value(),
        "ids": new.selector.listed(),
        "reason": new.reason.as_str(),
        "unknown": new.unknown,
    })
}

fn selector(params: &Value) -> Option<Selector> {
    let ids = match params["ids"].as_array() {
        None => None,
        Some(ids) => Some(
            ids.iter()
                .map(|id| DeviceId::parse(id.as_str()?).ok())
                .collect::<Option<Vec<_>>>()?,
        ),
    };
    Selector::from_parts(params["selector"].as_str()?, params["value"].as_str(), ids)
}

impl TryFrom<&Row> for BulkRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        let params: Value = get(row, "params")?;
        let unreadable = || StoreError::Row { column: "params" };
        Ok(Self {
            id: get(row, "id")?,
            selector: selector(&params).ok_or_else(unreadable)?,
            reason: params["reason"].as_str().ok_or_else(unreadable)?.to_owned(),
            unknown: params["unknown"].as_i64().ok_or_else(unreadable)?,
            committed: get::<&str>(row, "state")? == schema::words::OUTBOX_DONE,
            selected: get(row, "total")?,
            revoked: get(row, "acted")?,
            last_error: get(row, "last_error")?,
            created_at: get(row, "created_at")?,
            committed_at: get(row, "done_at")?,
        })
    }
}

impl Connection {
    /// A bulk revocation.
    pub(crate) async fn bulk_revocation(&self, id: i64) -> Result<Option<BulkRow>, StoreError> {
        let row = self.row(GET, &[&id, &REVOKE_DEVICES]).await?;
        row.as_ref().map(BulkRow::try_from).transpose()
    }

    /// Notes why a chunk failed, and when it is tried again.
    pub(crate) async fn bulk_failed(
        &self,
        id: i64,
        reason: &str,
        pause_s: f64,
    ) -> Result<(), StoreError> {
        self.change(FAILED, &[&id, &reason, &pause_s])
            .await
            .map(drop)
    }
}

impl Tx<'_> {
    /// Stores a bulk revocation; it begins when this transaction is committed.
    pub(crate) async fn insert_bulk(&self, new: &NewBulk<'_>) -> Result<BulkRow, StoreError> {
        let row = self
            .row(
                INSERT,
                &[&REVOKE_DEVICES, &params(new), &new.account, &new.selected],
            )
            .await?;
        BulkRow::try_from(&row.ok_or(StoreError::Row { column: "id" })?)
    }

    /// A bulk revocation that has chunks left and that nobody else is working at.
    pub(crate) async fn next_chunk(&self) -> Result<Option<NextChunk>, StoreError> {
        let Some(row) = self.row(NEXT, &[&REVOKE_DEVICES]).await? else {
            return Ok(None);
        };
        let params: Value = get(&row, "params")?;
        let unreadable = || StoreError::Row { column: "params" };
        let reason = params["reason"].as_str().ok_or_else(unreadable)?;
        Ok(Some(NextChunk {
            id: get(&row, "id")?,
            selector: selector(&params).ok_or_else(unreadable)?,
            reason: reason.parse().map_err(|_| unreadable())?,
            after: get(&row, "through_id")?,
            attempts: get(&row, "attempts")?,
            mass: get::<i64>(&row, "total")? > BANS_MAX,
        }))
    }

    /// Locks those of some devices that are not revoked, in the order of their ids.
    pub(crate) async fn lock_devices(&self, ids: &[DeviceId]) -> Result<Vec<DeviceId>, StoreError> {
        let rows = self.rows(LOCK_DEVICES, &[&ids]).await?;
        rows.iter().map(|row| get(row, "device_id")).collect()
    }

    /// Revokes locked devices with all their certificates, and puts the end of their sessions into
    /// the outbox.
    pub(crate) async fn revoke_devices(
        &self,
        chunk: &NextChunk,
        ids: &[DeviceId],
    ) -> Result<(), StoreError> {
        let touched = self.change(REVOKE, &[&ids]).await?;
        if touched != ids.len() as u64 {
            return Err(StoreError::Count {
                statement: "revoke devices",
                touched,
            });
        }
        let reason = chunk.reason.as_str();
        self.change(REVOKE_CERTIFICATES, &[&ids, &reason]).await?;
        self.add_many_to_outbox(NewEntries {
            kind: END_DEVICE_SESSIONS,
            subjects: ids,
            payload: &json!({"reason": reason}),
            mass: chunk.mass,
            bulk_id: Some(chunk.id),
        })
        .await?;
        Ok(())
    }

    /// Moves the cursor behind a chunk in which some devices were revoked.
    pub(crate) async fn advance_bulk(
        &self,
        id: i64,
        through: &DeviceId,
        revoked: usize,
    ) -> Result<(), StoreError> {
        let revoked = i64::try_from(revoked).unwrap_or(i64::MAX);
        self.change_one("advance bulk", ADVANCE, &[&id, through, &revoked])
            .await
    }

    /// Notes that no chunk is left.
    pub(crate) async fn finish_bulk(&self, id: i64) -> Result<(), StoreError> {
        self.change_one("finish bulk", FINISH, &[&id]).await
    }
}
