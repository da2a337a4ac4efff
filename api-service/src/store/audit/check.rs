//! Reading the chain back, to see whether it still holds.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_postgres::Row;

use super::purge::{ACTION, SUBJECT};
use super::sealed::{hash, hash_of, hashed_columns};
use crate::domain::audit::chain::Hash;
use crate::domain::audit::personal_hash;
use crate::store::row::get;
use crate::store::{Connection, StoreError};

/// Seals that are read at once: with their entries at most 100,000 rows.
pub(crate) const SEALS_AT_ONCE: i64 = 100;

const SEALS: &str = concat!(
    "
-- store::audit::check::seals
SELECT seal.number, floor(extract(epoch FROM seal.at) / 0.000001)::bigint AS seal_at_us,
       seal.entries, seal.previous_hash, seal.hash AS seal_hash,
       sealed.entry_id AS sealed_entry_id, sealed.position, sealed.hash AS sealed_hash,
       entry.entry_id IS NOT NULL AS present, personal.salt, personal.fields,
       entry.personal_hash AS personal_hash_bytes,
       ",
    hashed_columns!(),
    "
  FROM (SELECT number, at, entries, previous_hash, hash
          FROM audit_seal
         WHERE number > $1
         ORDER BY number
         LIMIT $2) AS seal
  LEFT JOIN audit_sealed AS sealed ON sealed.seal = seal.number
  LEFT JOIN audit_entry AS entry ON entry.entry_id = sealed.entry_id
  LEFT JOIN audit_personal AS personal ON personal.entry_id = entry.entry_id
 ORDER BY seal.number, sealed.position"
);

const STRAY: &str = "
-- store::audit::check::stray
SELECT entry_id
  FROM audit_entry AS entry
 WHERE NOT EXISTS (SELECT FROM audit_sealed WHERE entry_id = entry.entry_id)
   AND NOT EXISTS (SELECT FROM audit_unsealed WHERE entry_id = entry.entry_id)
 ORDER BY entry_id
 LIMIT 1";

const WAITING: &str = "
-- store::audit::check::waiting
SELECT count(*) AS waiting
  FROM audit_unsealed";

/// What the newest purge says went last.
const BEGINNING: &str = "
-- store::audit::check::beginning
SELECT (after ->> 'throughSeal')::bigint AS through, decode(after ->> 'hash', 'hex') AS last_hash
  FROM audit_entry
 WHERE subject_kind = $1
   AND subject_id = $2
   AND action = $3
   AND actor_kind = 'system'
 ORDER BY entry_id DESC
 LIMIT 1";

/// Every statement of this file.
pub(in crate::store) const STATEMENTS: &[&str] = &[SEALS, STRAY, WAITING, BEGINNING];

/// A seal with what it covers, as the database has it now.
#[derive(Debug)]
pub(crate) struct SealRow {
    pub(crate) number: i64,
    pub(crate) at_us: i64,
    pub(crate) entries: i32,
    pub(crate) previous: Hash,
    pub(crate) hash: Hash,
    pub(crate) covered: Vec<CoveredRow>,
}

/// An entry below a seal.
#[derive(Debug)]
pub(crate) struct CoveredRow {
    pub(crate) entry_id: i64,
    pub(crate) position: i32,
    /// As it was when it was sealed.
    pub(crate) sealed: Hash,
    /// As it is now; `None` if it is gone.
    pub(crate) now: Option<Hash>,
    /// Whether its personal fields are those that it was written with, or are erased.
    pub(crate) personal_holds: bool,
}

impl Connection {
    /// The next seals after a number, in their order.
    pub(crate) async fn audit_seals(&self, after: i64) -> Result<Vec<SealRow>, StoreError> {
        let mut seals: Vec<SealRow> = Vec::new();
        for row in &self.rows(SEALS, &[&after, &SEALS_AT_ONCE]).await? {
            let number: i64 = get(row, "number")?;
            if seals.last().is_none_or(|seal| seal.number != number) {
                seals.push(SealRow::read(row)?);
            }
            if let (Some(seal), Some(covered)) = (seals.last_mut(), CoveredRow::read(row)?) {
                seal.covered.push(covered);
            }
        }
        Ok(seals)
    }

    /// The last seal that retention took away, as its entry says; `None` if it never took any.
    pub(crate) async fn purged_audit_seal(&self) -> Result<Option<(i64, Hash)>, StoreError> {
        let (kind, id) = SUBJECT;
        let row = self.row(BEGINNING, &[&kind, &id, &ACTION]).await?;
        row.map(|row| Ok((get(&row, "through")?, hash(&row, "last_hash")?)))
            .transpose()
    }

    /// An entry that neither is sealed nor waits for it: it was written past the rules.
    pub(crate) async fn stray_audit_entry(&self) -> Result<Option<i64>, StoreError> {
        let row = self.row(STRAY, &[]).await?;
        row.map(|row| get(&row, "entry_id")).transpose()
    }

    /// How many entries wait for their seal.
    pub(crate) async fn unsealed_audit_entries(&self) -> Result<i64, StoreError> {
        let row = self.row(WAITING, &[]).await?;
        get(
            &row.ok_or(StoreError::Row { column: "waiting" })?,
            "waiting",
        )
    }
}

impl SealRow {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            number: get(row, "number")?,
            at_us: get(row, "seal_at_us")?,
            entries: get(row, "entries")?,
            previous: hash(row, "previous_hash")?,
            hash: hash(row, "seal_hash")?,
            covered: Vec::new(),
        })
    }
}

impl CoveredRow {
    fn read(row: &Row) -> Result<Option<Self>, StoreError> {
        let Some(entry_id) = get::<Option<i64>>(row, "sealed_entry_id")? else {
            return Ok(None);
        };
        let present: bool = get(row, "present")?;
        Ok(Some(Self {
            entry_id,
            position: get(row, "position")?,
            sealed: hash(row, "sealed_hash")?,
            now: present.then(|| hash_of(row)).transpose()?,
            personal_holds: personal_holds(row)?,
        }))
    }
}

/// Erased fields leave nothing to compare; fields without a hash were added later.
fn personal_holds(row: &Row) -> Result<bool, StoreError> {
    let Some(fields) = get::<Option<Value>>(row, "fields")? else {
        return Ok(true);
    };
    let salt: &[u8] = get(row, "salt")?;
    let salt = salt
        .try_into()
        .map_err(|_| StoreError::Row { column: "salt" })?;
    let written: Option<&[u8]> = get(row, "personal_hash_bytes")?;
    let Value::Object(fields) = fields else {
        return Ok(false);
    };
    let mut pairs = BTreeMap::new();
    for (name, value) in &fields {
        let Value::String(value) = value else {
            return Ok(false);
        };
        pairs.insert(name.as_str(), value.as_str());
    }
    Ok(written == Some(personal_hash(&salt, pairs).as_slice()))
}
