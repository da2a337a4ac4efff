//! The change log: which changes came after a number, and what they touched.

use std::collections::{BTreeMap, BTreeSet};

use schema::ChangeKind;
use tokio_postgres::GenericClient;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::FeedError;
use super::link::Statements;

pub(super) const HEADERS: &str = "
-- feed::log::headers
SELECT number, items
  FROM change
 WHERE number > $1
 ORDER BY number
 LIMIT $2";

/// Nothing if there is more than a bound, which is then known from the headers. Numbers have no gaps, so
/// none beyond the upper end is missed; without that end the planner takes a third of the log for what is
/// asked for, and reads all of it.
pub(super) const ITEMS: &str = "
-- feed::log::items
SELECT number, kind, id
  FROM change_item
 WHERE number > $1
   AND number <= $1 + $2
   AND (SELECT coalesce(sum(items), 0) FROM change WHERE number > $1 AND number <= $1 + $2) <= $2";

/// With more changes or more touched things than this, loading everything is cheaper.
const BULK: i64 = 200_000;

/// What came after a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// A complete piece of the log.
    Piece(Piece),
    /// Numbers or items are missing.
    Gap,
    /// Too much to apply one by one.
    Bulk,
}

/// A piece of the log without a gap.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// The newest number in it.
    pub(super) newest: i64,
    /// The devices it touched.
    pub(super) devices: BTreeSet<String>,
    /// The service clients it touched.
    pub(super) service_clients: BTreeSet<String>,
    /// The accounts it touched, themselves or in what they are in.
    pub(super) accounts: BTreeSet<Uuid>,
    /// The groups that it moved.
    pub(super) groups: BTreeSet<Uuid>,
}

/// Reads what came after `applied`, in one round trip; called within a transaction that sees one
/// moment. A word that this version does not know is a gap: the log says
/// something that only a full load can be trusted to contain.
pub(super) async fn read(
    client: &impl GenericClient,
    statements: &Statements,
    applied: i64,
) -> Result<Log, FeedError> {
    let of_headers: [&(dyn ToSql + Sync); 2] = [&applied, &(BULK + 1)];
    let of_items: [&(dyn ToSql + Sync); 2] = [&applied, &BULK];
    let (headers, items) = futures::try_join!(
        client.query(&statements.headers, &of_headers),
        client.query(&statements.items, &of_items),
    )?;
    let mut missing: BTreeMap<i64, i64> = BTreeMap::new();
    let mut newest = applied;
    let mut items_in_all = 0_i64;
    for header in &headers {
        let number: i64 = header.try_get("number")?;
        let items: i32 = header.try_get("items")?;
        if number != newest + 1 {
            return Ok(Log::Gap);
        }
        newest = number;
        items_in_all += i64::from(items);
        missing.insert(number, i64::from(items));
    }
    if newest - applied > BULK || items_in_all > BULK {
        return Ok(Log::Bulk);
    }
    let mut piece = Piece {
        newest,
        ..Piece::default()
    };
    for item in &items {
        let number: i64 = item.try_get("number")?;
        let kind: &str = item.try_get("kind")?;
        let id: String = item.try_get("id")?;
        let Some(left) = missing.get_mut(&number) else {
            return Ok(Log::Gap);
        };
        *left -= 1;
        match kind.parse() {
            Ok(ChangeKind::Device) => piece.devices.insert(id),
            Ok(ChangeKind::ServiceClient) => piece.service_clients.insert(id),
            Ok(kind @ (ChangeKind::Account | ChangeKind::DeviceGroup)) => {
                let Ok(id) = id.parse() else {
                    return Ok(Log::Gap);
                };
                match kind {
                    ChangeKind::Account => piece.accounts.insert(id),
                    _ => piece.groups.insert(id),
                }
            }
            Err(_) => return Ok(Log::Gap),
        };
    }
    let complete = missing.values().all(|left| *left == 0);
    Ok(if complete {
        Log::Piece(piece)
    } else {
        Log::Gap
    })
}
