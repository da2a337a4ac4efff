//! One connection and its transactions: prepared statements, and counted changes.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use super::StoreError;

/// Parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection of the pool, for reads of one statement and as the ground of a transaction.
pub(crate) struct Connection(pub(super) Object);

/// A transaction. Dropping it without [`Tx::commit`] rolls it back.
pub(crate) struct Tx<'a>(Transaction<'a>);

impl Connection {
    /// Begins a transaction. Its name stands in the log.
    pub(crate) async fn begin(&mut self, name: &'static str) -> Result<Tx<'_>, StoreError> {
        tracing::trace!(transaction = name, "begin");
        let transaction = self
            .0
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted)
            .start()
            .await?;
        Ok(Tx(transaction))
    }

    pub(super) async fn rows(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.query(&statement, params).await?)
    }

    pub(super) async fn row(
        &self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.query_opt(&statement, params).await?)
    }

    pub(super) async fn change(&self, sql: &str, params: Params<'_>) -> Result<u64, StoreError> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.execute(&statement, params).await?)
    }

    /// The plain client, for the schema's version check.
    pub(super) fn client(&self) -> &tokio_postgres::Client {
        &self.0
    }
}

impl Tx<'_> {
    /// Makes everything of this transaction count.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }

    /// Undoes all of it and waits until the database has: its locks are free then.
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.0.rollback().await?)
    }

    pub(super) async fn rows(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.query(&statement, params).await?)
    }

    pub(super) async fn row(
        &self,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.query_opt(&statement, params).await?)
    }

    pub(super) async fn change(&self, sql: &str, params: Params<'_>) -> Result<u64, StoreError> {
        let statement = self.0.prepare_cached(sql).await?;
        Ok(self.0.execute(&statement, params).await?)
    }

    /// A change that must touch exactly one row.
    pub(super) async fn change_one(
        &self,
        name: &'static str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<(), StoreError> {
        match self.change(sql, params).await? {
            1 => Ok(()),
            touched => Err(StoreError::Count {
                statement: name,
                touched,
            }),
        }
    }
}
