//! An entry as the chain sees it: every column as text.

use tokio_postgres::Row;

use crate::domain::audit::chain::{Hash, entry_hash};
use crate::store::StoreError;
use crate::store::row::get;

/// The columns of `audit_entry` that are hashed, in the order of the table, as texts that read the
/// same under every setting of a session.
macro_rules! hashed_columns {
    () => {
        "entry.entry_id,
       floor(extract(epoch FROM entry.at) / 0.000001)::bigint::text AS at,
       entry.actor_kind, entry.actor_id::text AS actor_id, entry.action, entry.subject_kind,
       entry.subject_id, entry.outcome, entry.code, entry.request_id,
       entry.before::text AS before, entry.after::text AS after,
       encode(entry.personal_hash, 'hex') AS personal_hash"
    };
}
pub(super) use hashed_columns;

/// In the order of the table, after the id.
const COLUMNS: [&str; 12] = [
    "at",
    "actor_kind",
    "actor_id",
    "action",
    "subject_kind",
    "subject_id",
    "outcome",
    "code",
    "request_id",
    "before",
    "after",
    "personal_hash",
];

/// The hash of the entry in a row that has [`hashed_columns`].
pub(super) fn hash_of(row: &Row) -> Result<Hash, StoreError> {
    let id: i64 = get(row, "entry_id")?;
    let id = id.to_string();
    let mut columns = vec![Some(id.as_str())];
    for column in COLUMNS {
        columns.push(get(row, column)?);
    }
    Ok(entry_hash(columns))
}

/// A hash that the database keeps.
pub(super) fn hash(row: &Row, column: &'static str) -> Result<Hash, StoreError> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map_err(|_| StoreError::Row { column })
}
