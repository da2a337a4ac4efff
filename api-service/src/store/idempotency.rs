//! Answers of commands, kept for a repetition of the same request.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_postgres::Row;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::idempotency::{IdempotencyKey, request_hash};

/// Held until the transaction ends, so that of two requests with one key one does the work.
const LOCK: &str = "
-- store::idempotency::lock
SELECT pg_try_advisory_xact_lock($1) AS is_ours";

const GET: &str = "
-- store::idempotency::get
SELECT request_hash, response_status, response_headers, response_body
  FROM idempotency_key
 WHERE account = $1
   AND key = $2";

const INSERT: &str = "
-- store::idempotency::insert
INSERT INTO idempotency_key (account, key, request_hash, response_status, response_headers,
                             response_body)
VALUES ($1, $2, $3, $4, $5, $6)";

/// In small bites, so that no purge holds a lock for long.
const PURGE: &str = "
-- store::idempotency::purge
DELETE FROM idempotency_key
 WHERE (account, key) IN (
       SELECT account, key
         FROM idempotency_key
        WHERE created_at < now() - interval '24 hours'
        LIMIT 1000)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[LOCK, GET, INSERT, PURGE];

/// Whose key for which request.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// The account; another one's keys are others, whatever their text.
    pub(crate) account: AccountId,
    /// Its key.
    pub(crate) key: IdempotencyKey,
    /// A hash over the request.
    pub(crate) request_hash: [u8; 32],
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Headers of this answer alone, by their names.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body; none if all of it was told once.
    pub(crate) body: Option<Value>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    /// It is new.
    New,
    /// The same request was answered so.
    Answered(Kept),
    /// It belongs to another request.
    Other,
    /// A request with it is being answered.
    InWork,
}

impl Tx<'_> {
    /// Looks a key up, and claims it until this transaction ends.
    pub(crate) async fn claim(&self, claim: &Claim) -> Result<Seen, StoreError> {
        let (account, key) = (claim.account.to_string(), claim.key.as_str());
        let hash = request_hash(&[b"idempotency", account.as_bytes(), key.as_bytes()]);
        let mut lock = [0; 8];
        lock.copy_from_slice(&hash[..8]);
        let locked = self.row(LOCK, &[&i64::from_be_bytes(lock)]).await?;
        let is_ours = locked.map(|row| get(&row, "is_ours")).transpose()?;
        if is_ours != Some(true) {
            return Ok(Seen::InWork);
        }
        let Some(row) = self.row(GET, &[&account, &key]).await? else {
            return Ok(Seen::New);
        };
        let known: &[u8] = get(&row, "request_hash")?;
        if known != claim.request_hash {
            return Ok(Seen::Other);
        }
        Ok(Seen::Answered(kept(&row)?))
    }

    /// Keeps the answer of a claimed key.
    pub(crate) async fn keep_answer(&self, claim: &Claim, kept: &Kept) -> Result<(), StoreError> {
        let (account, key) = (claim.account.to_string(), claim.key.as_str());
        let hash = claim.request_hash.as_slice();
        let status = i32::from(kept.status);
        let headers = json!(kept.headers);
        self.change_one(
            "keep answer",
            INSERT,
            &[&account, &key, &hash, &status, &headers, &kept.body],
        )
        .await
    }
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    let status: i32 = get(row, "response_status")?;
    let headers: Option<Value> = get(row, "response_headers")?;
    let headers = headers.map_or(Ok(BTreeMap::new()), serde_json::from_value);
    Ok(Kept {
        status: u16::try_from(status).map_err(|_| StoreError::Row {
            column: "response_status",
        })?,
        headers: headers.map_err(|_| StoreError::Row {
            column: "response_headers",
        })?,
        body: get(row, "response_body")?,
    })
}

impl Connection {
    /// Forgets keys older than a day, at most 1,000. Says how many.
    pub(crate) async fn purge_idempotency_keys(&self) -> Result<u64, StoreError> {
        self.change(PURGE, &[]).await
    }
}
