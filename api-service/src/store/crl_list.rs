//! Revocation lists as they were last signed, and what has to be signed anew.

use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::crl_schedule::{Before, CLOCK_SLACK, NextList};
use crate::domain::key_id::KeyId;

/// Each authority has its whole list from the beginning.
const ADD_WHOLE: &str = "
-- store::crl_list::add_whole
INSERT INTO crl_list (issuer, shard)
SELECT issuer, 0
  FROM unnest($1::bytea[]) AS issuer
    ON CONFLICT DO NOTHING";

/// What is missing of the slots of an address. A shard gets a number that no other ever had.
const ADD_SHARDS: &str = "
-- store::crl_list::add_shards
INSERT INTO crl_list (issuer, shard, base_url, slot, url)
SELECT $1::bytea, new.shard, $2::text, new.slot,
       $2::text || '/crl/' || encode($1::bytea, 'hex') || '/' || new.shard || '.pem'
  FROM (SELECT slot, nextval('crl_shard_number')::integer AS shard
          FROM generate_series(0, $3::integer - 1) AS slot
         WHERE NOT EXISTS (SELECT FROM crl_list AS there
                            WHERE there.issuer = $1
                              AND there.base_url = $2
                              AND there.slot = slot.slot)) AS new
    ON CONFLICT DO NOTHING";

const SHARDS: &str = "
-- store::crl_list::shards
SELECT shard, url
  FROM crl_list
 WHERE issuer = $1
   AND base_url = $2
   AND slot < $3
 ORDER BY slot";

/// Lists that are old, were made by a clock that was put back, or lack something; a list that is long is
/// made less often, a second and one more for every 5,000 entries. The lists of an authority that
/// signs no more ($2) are due as long as it has a certificate that a list could have to name.
const DUE: &str = "
-- store::crl_list::due
SELECT list.issuer, list.shard
  FROM crl_list AS list
 WHERE list.issuer = ANY ($1)
   AND (list.made_at IS NULL
        OR list.made_at <= $4
        OR list.made_at > $5
        OR (list.made_at + make_interval(secs => 1 + list.entries / 5000) <= $3
            AND EXISTS (SELECT FROM crl_due
                         WHERE crl_due.issuer = list.issuer
                           AND crl_due.shard = list.shard)))
   AND (list.issuer = $2
        OR EXISTS (SELECT FROM certificate
                    WHERE certificate.issuer = list.issuer
                      AND certificate.not_after >= least(list.this_update, $6)))
 ORDER BY list.made_at NULLS FIRST, list.issuer, list.shard
 LIMIT 256";

/// Another replica may be signing it: then there is nothing to do here.
const LOCK: &str = "
-- store::crl_list::lock
SELECT number, made_at, this_update, url, der
  FROM crl_list
 WHERE issuer = $1
   AND shard = $2
   FOR UPDATE SKIP LOCKED";

const TAKE_DUE: &str = "
-- store::crl_list::take_due
DELETE FROM crl_due
 WHERE issuer = $1
   AND shard = $2";

const KEEP: &str = "
-- store::crl_list::keep
UPDATE crl_list
   SET number = $3, made_at = $4, this_update = $5, next_update = $6, entries = $7, der = $8
 WHERE issuer = $1
   AND shard = $2";

/// `living`: some certificate of the authority has not ended.
const NUMBERS: &str = "
-- store::crl_list::numbers
SELECT issuer, shard, number,
       EXISTS (SELECT FROM certificate
                WHERE certificate.issuer = crl_list.issuer
                  AND certificate.not_after > $1) AS living
  FROM crl_list
 WHERE number > 0";

/// Authorities that others loaded, with certificates that have not ended.
const OTHERS: &str = "
-- store::crl_list::others
SELECT issuer
  FROM crl_list AS list
 WHERE shard = 0
   AND issuer <> ALL ($1)
   AND EXISTS (SELECT FROM certificate
                WHERE certificate.issuer = list.issuer
                  AND certificate.not_after > $2)
 ORDER BY issuer";

const GET: &str = "
-- store::crl_list::get
SELECT der
  FROM crl_list
 WHERE issuer = $1
   AND shard = $2
   AND number > 0";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    ADD_WHOLE, ADD_SHARDS, SHARDS, DUE, LOCK, TAKE_DUE, KEEP, NUMBERS, OTHERS, GET,
];

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ListId {
    /// Whose.
    pub(crate) issuer: KeyId,
    /// Which shard; 0 is the whole list.
    pub(crate) shard: i32,
}

/// A shard and what its certificates name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShardRow {
    pub(crate) shard: i32,
    pub(crate) url: String,
}

/// A list that is locked to be signed.
pub(crate) struct LockedList {
    pub(crate) before: Before,
    pub(crate) url: Option<String>,
    pub(crate) der: Option<Vec<u8>>,
}

/// A list's newest number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberRow {
    pub(crate) id: ListId,
    pub(crate) number: i64,
    pub(crate) living: bool,
}

fn id(row: &Row) -> Result<ListId, StoreError> {
    Ok(ListId {
        issuer: KeyId::from_slice(get(row, "issuer")?)
            .ok_or(StoreError::Row { column: "issuer" })?,
        shard: get(row, "shard")?,
    })
}

impl Connection {
    /// Adds the whole list of each authority, where it is missing.
    pub(crate) async fn add_whole_lists(&self, issuers: &[KeyId]) -> Result<u64, StoreError> {
        self.change(ADD_WHOLE, &[&bytes(issuers)]).await
    }

    /// The first `count` shards of an authority under an address, made where they are missing.
    pub(crate) async fn shards(
        &self,
        issuer: &KeyId,
        base_url: &str,
        count: i32,
    ) -> Result<Vec<ShardRow>, StoreError> {
        let issuer = issuer.as_bytes();
        self.change(ADD_SHARDS, &[&issuer, &base_url, &count])
            .await?;
        let rows = self.rows(SHARDS, &[&issuer, &base_url, &count]).await?;
        let shard = |row: &Row| {
            Ok(ShardRow {
                shard: get(row, "shard")?,
                url: get(row, "url")?,
            })
        };
        rows.iter().map(shard).collect()
    }

    /// At most 256 lists of these authorities that have to be made, the oldest first. `signing` is
    /// the authority whose lists are made whether it has certificates or not.
    pub(crate) async fn due_lists(
        &self,
        issuers: &[KeyId],
        signing: &KeyId,
        now: OffsetDateTime,
        valid: Duration,
    ) -> Result<Vec<ListId>, StoreError> {
        let (half, whole) = (now - valid / 2, now - valid);
        let ahead = now + CLOCK_SLACK;
        let (issuers, signing) = (bytes(issuers), signing.as_bytes());
        let rows = self
            .rows(DUE, &[&issuers, &signing, &now, &half, &ahead, &whole])
            .await?;
        rows.iter().map(id).collect()
    }

    /// The numbers of all lists, of authorities that this process does not know too.
    pub(crate) async fn list_numbers(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<NumberRow>, StoreError> {
        let rows = self.rows(NUMBERS, &[&now]).await?;
        let number = |row: &Row| {
            Ok(NumberRow {
                id: id(row)?,
                number: get(row, "number")?,
                living: get(row, "living")?,
            })
        };
        rows.iter().map(number).collect()
    }

    /// Authorities besides these that have certificates which have not ended: nobody whose process
    /// has these alone can sign their lists.
    pub(crate) async fn other_authorities(
        &self,
        issuers: &[KeyId],
        now: OffsetDateTime,
    ) -> Result<Vec<KeyId>, StoreError> {
        let rows = self.rows(OTHERS, &[&bytes(issuers), &now]).await?;
        let column = "issuer";
        rows.iter()
            .map(|row| KeyId::from_slice(get(row, column)?).ok_or(StoreError::Row { column }))
            .collect()
    }

    /// A list in DER.
    pub(crate) async fn list(&self, id: &ListId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.row(GET, &[&id.issuer.as_bytes(), &id.shard]).await?;
        row.map(|row| get(&row, "der")).transpose()
    }
}

impl Tx<'_> {
    /// Locks a list; `None` while another replica has it.
    pub(crate) async fn lock_list(&self, id: &ListId) -> Result<Option<LockedList>, StoreError> {
        let row = self.row(LOCK, &[&id.issuer.as_bytes(), &id.shard]).await?;
        let locked = |row: Row| {
            Ok(LockedList {
                before: Before {
                    number: get(&row, "number")?,
                    made_at: get(&row, "made_at")?,
                    this_update: get(&row, "this_update")?,
                },
                url: get(&row, "url")?,
                der: get(&row, "der")?,
            })
        };
        row.map(locked).transpose()
    }

    /// Takes away what says that a list lacks something, and says whether there was any. What is read
    /// afterwards in this transaction has all of it.
    pub(crate) async fn take_due(&self, id: &ListId) -> Result<bool, StoreError> {
        let taken = self
            .change(TAKE_DUE, &[&id.issuer.as_bytes(), &id.shard])
            .await?;
        Ok(taken > 0)
    }

    /// Stores a list that was signed.
    pub(crate) async fn keep_list(
        &self,
        id: &ListId,
        made_at: OffsetDateTime,
        next: NextList,
        entries: i32,
        der: &[u8],
    ) -> Result<(), StoreError> {
        self.change_one(
            "keep list",
            KEEP,
            &[
                &id.issuer.as_bytes(),
                &id.shard,
                &next.number,
                &made_at,
                &next.this_update,
                &next.next_update,
                &entries,
                &der,
            ],
        )
        .await
    }
}

fn bytes(issuers: &[KeyId]) -> Vec<&[u8]> {
    issuers.iter().map(KeyId::as_bytes).collect()
}
