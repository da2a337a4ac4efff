//! Sealing: committed entries are chained, by one replica at a time.

use super::sealed::{hash, hash_of, hashed_columns};
use crate::domain::audit::chain::{Hash, NOTHING, seal_hash};
use crate::store::row::get;
use crate::store::{Connection, StoreError, Tx};

/// 'iot_audt' as a number.
const LOCK: i64 = 0x696f_745f_6175_6474;

/// Most entries of one seal.
const ENTRIES_MAX: i64 = 1000;

const TRY_LOCK: &str = "
-- store::audit::seal::try_lock
SELECT pg_try_advisory_xact_lock($1) AS locked";

const HEAD: &str = "
-- store::audit::seal::head
SELECT number, floor(extract(epoch FROM at) / 0.000001)::bigint AS at_us, entries, hash
  FROM audit_seal
 ORDER BY number DESC
 LIMIT 1";

const WAITING: &str = concat!(
    "
-- store::audit::seal::waiting
SELECT ",
    hashed_columns!(),
    "
  FROM audit_unsealed
  JOIN audit_entry AS entry USING (entry_id)
 ORDER BY entry.entry_id
 LIMIT $1"
);

const NOW: &str = "
-- store::audit::seal::now
SELECT floor(extract(epoch FROM now()) / 0.000001)::bigint AS at_us";

/// `now()` stands still within a transaction, so it is the time that was hashed.
const ADD_SEAL: &str = "
-- store::audit::seal::add_seal
INSERT INTO audit_seal (number, at, entries, previous_hash, hash)
VALUES ($1, now(), $2, $3, $4)";

const ADD_ENTRIES: &str = "
-- store::audit::seal::add_entries
INSERT INTO audit_sealed (entry_id, seal, position, hash)
SELECT entry_id, $1, position - 1, hash
  FROM unnest($2::bigint[], $3::bytea[]) WITH ORDINALITY AS entry (entry_id, hash, position)";

const NO_LONGER_WAITING: &str = "
-- store::audit::seal::no_longer_waiting
DELETE FROM audit_unsealed
 WHERE entry_id = ANY($1)";

/// Every statement of this file.
pub(in crate::store) const STATEMENTS: &[&str] = &[
    TRY_LOCK,
    HEAD,
    WAITING,
    NOW,
    ADD_SEAL,
    ADD_ENTRIES,
    NO_LONGER_WAITING,
];

/// The newest seal.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Counts from 1 without a gap.
    pub(crate) number: i64,
    /// When it was made, in microseconds since 1970.
    pub(crate) at_us: i64,
    /// How many entries it has.
    pub(crate) entries: i32,
    /// Stands for every entry sealed so far.
    pub(crate) hash: Hash,
}

impl Connection {
    /// The newest seal; `None` while nothing was sealed.
    pub(crate) async fn audit_head(&self) -> Result<Option<Head>, StoreError> {
        self.row(HEAD, &[])
            .await?
            .as_ref()
            .map(Head::read)
            .transpose()
    }
}

impl Tx<'_> {
    /// Seals what waits, at most a thousand entries; `None` if nothing does or another replica is at
    /// it. Counts from the commit on.
    pub(crate) async fn seal_audit(&self) -> Result<Option<Head>, StoreError> {
        let locked = self.row(TRY_LOCK, &[&LOCK]).await?;
        let locked = locked.ok_or(StoreError::Row { column: "locked" })?;
        if !get::<bool>(&locked, "locked")? {
            return Ok(None);
        }
        let rows = self.rows(WAITING, &[&ENTRIES_MAX]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let before = self.row(HEAD, &[]).await?;
        let before = before.as_ref().map(Head::read).transpose()?;
        let (previous, number) = before.map_or((NOTHING, 1), |head| (head.hash, head.number + 1));
        let now = self.row(NOW, &[]).await?;
        let at_us = get(&now.ok_or(StoreError::Row { column: "at_us" })?, "at_us")?;

        let ids = rows.iter().map(|row| get(row, "entry_id"));
        let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
        let hashes: Vec<Hash> = rows.iter().map(hash_of).collect::<Result<_, _>>()?;
        let hash = seal_hash(&previous, number, at_us, &hashes);
        let entries = i32::try_from(ids.len()).expect("a seal has at most a thousand entries");
        let add: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
            &[&number, &entries, &previous.as_slice(), &hash.as_slice()];
        self.change_one("store::audit::seal::add_seal", ADD_SEAL, add)
            .await?;
        let bytes: Vec<&[u8]> = hashes.iter().map(Hash::as_slice).collect();
        self.change(ADD_ENTRIES, &[&number, &ids, &bytes]).await?;
        self.change(NO_LONGER_WAITING, &[&ids]).await?;
        Ok(Some(Head {
            number,
            at_us,
            entries,
            hash,
        }))
    }
}

impl Head {
    fn read(row: &tokio_postgres::Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: get(row, "number")?,
            at_us: get(row, "at_us")?,
            entries: get(row, "entries")?,
            hash: hash(row, "hash")?,
        })
    }
}
