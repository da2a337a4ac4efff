//! Whether the database is there, writable, and of the version this program was built for.

use schema::VersionError;

use super::{Connection, Store, StoreError};

const PING: &str = "
-- store::health::ping
SELECT pg_is_in_recovery() AS standby";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[PING];

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// It may answer later.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It answers, and its schema does not fit this program.
    #[error("{0}")]
    Version(VersionError),
}

impl Connection {
    /// Whether this is a standby, which takes no command.
    pub(crate) async fn is_standby(&self) -> Result<bool, StoreError> {
        let row = self.row(PING, &[]).await?;
        super::row::get(
            &row.ok_or(StoreError::Row { column: "standby" })?,
            "standby",
        )
    }
}

impl Store {
    /// Checks once that this program fits the database.
    pub(crate) async fn check_version(&self) -> Result<(), Unusable> {
        let connection = self.connect().await?;
        match schema::check_version(connection.client()).await {
            Ok(()) => Ok(()),
            Err(VersionError::Unreadable(error)) => Err(Unusable::Store(error.into())),
            Err(error) => Err(Unusable::Version(error)),
        }
    }
}
