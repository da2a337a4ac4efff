//! Answers of commands, kept for a repetition of the same request.

use serde_json::Value;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::idempotency::{IdempotencyKey, request_hash};

/// Two requests with one key wait for each other instead of doing the work twice.
const LOCK: &str = "
-- store::idempotency::lock
SELECT pg_advisory_xact_lock($1)";

const GET: &str = "
-- store::idempotency::get
SELECT request_hash, response_status, response_body
  FROM idempotency_key
 WHERE account = $1
   AND key = $2";

const INSERT: &str = "
-- store::idempotency::insert
INSERT INTO idempotency_key (account, key, request_hash, response_status, response_body)
VALUES ($1, $2, $3, $4, $5)";

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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    /// The account.
    pub(crate) account: &'a str,
    /// Its key.
    pub(crate) key: &'a IdempotencyKey,
    /// A hash over the request.
    pub(crate) request_hash: &'a [u8; 32],
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    /// It is new.
    New,
    /// The same request was answered so.
    Answered(Value),
    /// It belongs to another request.
    Other,
}

impl Tx<'_> {
    /// Looks a key up, holding every other request with it back until this transaction ends.
    pub(crate) async fn claim(&self, claim: Claim<'_>) -> Result<Seen, StoreError> {
        let (account, key) = (claim.account, claim.key.as_str());
        let hash = request_hash(&[b"idempotency", account.as_bytes(), key.as_bytes()]);
        let mut lock = [0; 8];
        lock.copy_from_slice(&hash[..8]);
        self.row(LOCK, &[&i64::from_be_bytes(lock)]).await?;
        let Some(row) = self.row(GET, &[&account, &key]).await? else {
            return Ok(Seen::New);
        };
        let known: &[u8] = get(&row, "request_hash")?;
        if known != claim.request_hash {
            return Ok(Seen::Other);
        }
        Ok(Seen::Answered(get(&row, "response_body")?))
    }

    /// Keeps the answer of a claimed key.
    pub(crate) async fn keep_answer(
        &self,
        claim: Claim<'_>,
        status: u16,
        body: &Value,
    ) -> Result<(), StoreError> {
        let hash = claim.request_hash.as_slice();
        let status = i32::from(status);
        self.change_one(
            "keep answer",
            INSERT,
            &[&claim.account, &claim.key.as_str(), &hash, &status, body],
        )
        .await
    }
}

impl Connection {
    /// Forgets keys older than a day, at most 1,000. Says how many.
    pub(crate) async fn purge_idempotency_keys(&self) -> Result<u64, StoreError> {
        self.change(PURGE, &[]).await
    }
}
