//! The whole fleet as of one moment.

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt;
use lease::Head;
use tokio_postgres::binary_copy::BinaryCopyOutStream;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::head;
use super::link::{Link, Statements};
use super::log::{self, Log};
use super::{FeedError, people, rows, within};
use crate::fleet::{Numbers, People, ServiceClients, Table, TableBuilder};

/// A full load may take this long; ten million devices take some ten seconds.
const LOAD_TIME_MAX: Duration = Duration::from_secs(600);

/// Everything, and what of it changed since a number.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) head: Head,
    pub(super) table: Table,
    pub(super) services: ServiceClients,
    pub(super) people: People,
    pub(super) rights_left_out: usize,
    /// The log since the number asked for; only for a compare.
    pub(super) since: Option<Log>,
}

/// Loads everything in one REPEATABLE READ transaction, so that head and rows are of one moment.
pub(super) async fn load(
    link: &mut Link,
    statements: &Statements,
    since: Option<i64>,
    numbers: &mut Numbers,
) -> Result<Snapshot, FeedError> {
    within(LOAD_TIME_MAX, async {
        let tx = begin(link.client_mut()).await?;
        let head = head::read(&tx, &statements.head).await?;
        let since = match since {
            Some(applied) => Some(log::read(&tx, statements, applied).await?),
            None => None,
        };
        let (services, rights_left_out) = rows::service_clients(&tx).await?;
        let people = people::all(&tx, numbers).await?;
        let table = devices(&tx, numbers).await?;
        tx.commit().await?;
        Ok::<_, FeedError>(Snapshot {
            head,
            table,
            services,
            people,
            rights_left_out,
            since,
        })
    })
    .await
}

/// A read-only transaction that sees one moment.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, FeedError> {
    let builder = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead);
    Ok(builder.read_only(true).start().await?)
}

async fn devices(tx: &Transaction<'_>, numbers: &mut Numbers) -> Result<Table, FeedError> {
    let query = format!("COPY ({}) TO STDOUT (FORMAT binary)", rows::ALL_DEVICES);
    let types = [
        Type::TEXT,
        Type::TEXT,
        Type::BOOL,
        Type::BYTEA,
        Type::INT8,
        Type::UUID,
        Type::UUID,
        Type::UUID,
    ];
    let mut stream = pin!(BinaryCopyOutStream::new(tx.copy_out(&query).await?, &types));
    let mut builder = TableBuilder::new();
    while let Some(row) = stream.try_next().await? {
        let certificate = rows::as_certificate(row.try_get(3)?, row.try_get(4)?);
        let revoked = rows::is_revoked(row.try_get(1)?);
        let owner = rows::owner(numbers, row.try_get(5)?, row.try_get(6)?, row.try_get(7)?);
        builder.push(
            row.try_get(0)?,
            revoked,
            row.try_get(2)?,
            owner,
            certificate,
        );
    }
    Ok(builder.finish())
}
