//! Reading a column by its name, with a typed error for what this version does not know.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::StoreError;

/// A column's value.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| StoreError::Row { column })
}

/// A column's word, as one of ours.
pub(super) fn word<T>(
    row: &Row,
    column: &'static str,
    from: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    from(get(row, column)?).ok_or(StoreError::Row { column })
}

/// A fingerprint of 32 bytes.
pub(super) fn fingerprint(
    row: &Row,
    column: &'static str,
) -> Result<certs::Fingerprint, StoreError> {
    certs::Fingerprint::from_slice(get(row, column)?).ok_or(StoreError::Row { column })
}
