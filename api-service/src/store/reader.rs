//! Reads that a query does on a connection and a command inside its transaction.

use tokio_postgres::Row;

use super::connection::Params;
use super::{Connection, StoreError, Tx};

/// Where a read is done.
#[derive(Clone, Copy)]
pub(crate) enum Reader<'a> {
    /// By itself.
    Connection(&'a Connection),
    /// Together with what it decides.
    Tx(&'a Tx<'a>),
}

impl<'a> From<&'a Connection> for Reader<'a> {
    fn from(connection: &'a Connection) -> Self {
        Self::Connection(connection)
    }
}

impl<'a, 'b> From<&'a Tx<'b>> for Reader<'a> {
    fn from(tx: &'a Tx<'b>) -> Self {
        Self::Tx(tx)
    }
}

impl Reader<'_> {
    pub(super) async fn rows(self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Connection(connection) => connection.rows(sql, params).await,
            Self::Tx(tx) => tx.rows(sql, params).await,
        }
    }

    pub(super) async fn row(
        self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Connection(connection) => connection.row(sql, params).await,
            Self::Tx(tx) => tx.row(sql, params).await,
        }
    }
}
