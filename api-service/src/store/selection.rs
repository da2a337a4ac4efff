//! Which devices a selector leads to: how many, and which come next in the order of their ids.
//!
//! Only devices that are not revoked. Nothing is locked: what is read here is what a chunk is about
//! to be, and the chunk locks it and looks again.

use tokio_postgres::types::ToSql;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::selector::Selector;
use schema::DeviceId;

/// The condition of each selector on device `d`, with its parameter as `$1`.
macro_rules! by_ids {
    () => {
        "d.device_id = ANY($1)"
    };
}
macro_rules! by_model {
    () => {
        "d.model = $1"
    };
}
macro_rules! by_firmware {
    () => {
        "d.firmware_version = $1"
    };
}

/// The next devices after an id.
macro_rules! next {
    ($name:literal, $condition:expr) => {
        concat!(
            "\n-- store::selection::next_by_",
            $name,
            "
SELECT d.device_id
  FROM device d
 WHERE ",
            $condition,
            "
   AND d.lifecycle <> 'revoked'
   AND d.device_id > $2
 ORDER BY d.device_id
 LIMIT $3"
        )
    };
}

/// How many there are.
macro_rules! count {
    ($name:literal, $condition:expr) => {
        concat!(
            "\n-- store::selection::count_by_",
            $name,
            "
SELECT count(*) AS selected
  FROM device d
 WHERE ",
            $condition,
            "
   AND d.lifecycle <> 'revoked'"
        )
    };
}

const NEXT_BY_IDS: &str = next!("ids", by_ids!());
const NEXT_BY_MODEL: &str = next!("model", by_model!());
const NEXT_BY_FIRMWARE: &str = next!("firmware", by_firmware!());
const COUNT_BY_IDS: &str = count!("ids", by_ids!());
const COUNT_BY_MODEL: &str = count!("model", by_model!());
const COUNT_BY_FIRMWARE: &str = count!("firmware", by_firmware!());

/// From the certificates, in the order of their index: a batch is a small part of the fleet. A revoked
/// device has no active certificate.
const NEXT_BY_ISSUER: &str = "
-- store::selection::next_by_issuer
SELECT DISTINCT c.device_id
  FROM certificate c
 WHERE c.issuer = $1
   AND c.state = 'active'
   AND c.device_id > $2
 ORDER BY c.device_id
 LIMIT $3";

const COUNT_BY_ISSUER: &str = "
-- store::selection::count_by_issuer
SELECT count(DISTINCT c.device_id) AS selected
  FROM certificate c
 WHERE c.issuer = $1
   AND c.state = 'active'";

const UNKNOWN: &str = "
-- store::selection::unknown
SELECT listed.id, count(*) OVER () AS unknown
  FROM unnest($1::text[]) AS listed (id)
 WHERE NOT EXISTS (SELECT FROM device d WHERE d.device_id = listed.id)
 ORDER BY listed.id COLLATE \"C\"
 LIMIT $2";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    NEXT_BY_IDS,
    NEXT_BY_MODEL,
    NEXT_BY_FIRMWARE,
    NEXT_BY_ISSUER,
    COUNT_BY_IDS,
    COUNT_BY_MODEL,
    COUNT_BY_FIRMWARE,
    COUNT_BY_ISSUER,
    UNKNOWN,
];

/// The selector as `$1`.
enum First<'a> {
    Ids(Vec<&'a str>),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl First<'_> {
    fn param(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Ids(ids) => ids,
            Self::Text(text) => text,
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The statements of a selector (next, count) and its parameter.
fn statements(selector: &Selector) -> (&'static str, &'static str, First<'_>) {
    match selector {
        Selector::Ids(_) => {
            let ids = selector.listed().unwrap_or_default();
            (NEXT_BY_IDS, COUNT_BY_IDS, First::Ids(ids))
        }
        Selector::Model(label) => {
            let text = First::Text(label.as_str());
            (NEXT_BY_MODEL, COUNT_BY_MODEL, text)
        }
        Selector::FirmwareVersion(label) => {
            let text = First::Text(label.as_str());
            (NEXT_BY_FIRMWARE, COUNT_BY_FIRMWARE, text)
        }
        Selector::Issuer(key_id) => {
            let bytes = First::Bytes(key_id.as_bytes());
            (NEXT_BY_ISSUER, COUNT_BY_ISSUER, bytes)
        }
    }
}

impl Connection {
    /// How many devices a selector leads to.
    pub(crate) async fn count_selected(&self, selector: &Selector) -> Result<i64, StoreError> {
        let (_, count, first) = statements(selector);
        let row = self.row(count, &[first.param()]).await?;
        get(
            &row.ok_or(StoreError::Row { column: "selected" })?,
            "selected",
        )
    }

    /// The first devices that a selector leads to.
    pub(crate) async fn first_selected(
        &self,
        selector: &Selector,
        limit: i64,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let (next, _, first) = statements(selector);
        let rows = self.rows(next, &[first.param(), &"", &limit]).await?;
        rows.iter().map(|row| get(row, "device_id")).collect()
    }

    /// How many listed ids are no devices, and the first of them.
    pub(crate) async fn unknown_ids(
        &self,
        selector: &Selector,
        limit: i64,
    ) -> Result<(i64, Vec<String>), StoreError> {
        let Some(ids) = selector.listed() else {
            return Ok((0, Vec::new()));
        };
        let rows = self.rows(UNKNOWN, &[&ids, &limit]).await?;
        let unknown = rows.first().map_or(Ok(0), |row| get(row, "unknown"))?;
        let first: Result<_, _> = rows.iter().map(|row| get(row, "id")).collect();
        Ok((unknown, first?))
    }
}

impl Tx<'_> {
    /// The next devices after an id.
    pub(crate) async fn next_selected(
        &self,
        selector: &Selector,
        after: &str,
        limit: i64,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let (next, _, first) = statements(selector);
        let rows = self.rows(next, &[first.param(), &after, &limit]).await?;
        rows.iter().map(|row| get(row, "device_id")).collect()
    }
}
