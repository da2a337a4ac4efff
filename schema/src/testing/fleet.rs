//! A database with a million devices and what years leave around them, and the plans that the server
//! makes there.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use dev_postgres::{BoxError, TestDatabase};
use tokio_postgres::{Client, NoTls};

use super::{MigratedDatabase, prepare};

/// How many devices, each with a certificate.
pub const DEVICES: u32 = 1_000_000;

/// A table with at least so many rows is large: nobody may have to read all of it.
pub const LARGE_ROWS: u32 = 10_000;

const FLEET: &str = include_str!("../../fixtures/fleet.sql");
const AROUND: &str = include_str!("../../fixtures/around_the_fleet.sql");

/// Their bytes are never looked at, so certificates are as short as they may be.
const SETTINGS: &str =
    "SET fleet.issuer = 'https://issuer.example.com'; SET fleet.der_blocks = '1'";

impl MigratedDatabase {
    /// Clones a template with [`DEVICES`], which is made once for each state of the migrations and takes
    /// about half a minute then. For reading alone: its triggers are off.
    pub async fn with_fleet() -> Result<Self, dev_postgres::Error> {
        let mut contents = DefaultHasher::new();
        (FLEET, AROUND, SETTINGS, DEVICES).hash(&mut contents);
        let contents = contents.finish() & 0xffff_ffff;
        let key = format!("{}_fleet_{contents:08x}", crate::migrations_key());
        TestDatabase::create(&key, fill).await.map(Self)
    }
}

async fn fill(url: String) -> Result<(), BoxError> {
    prepare(url.clone()).await?;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute(SETTINGS).await?;
    let devices = format!("SET fleet.devices = '{DEVICES}'");
    for sql in [devices.as_str(), FLEET, AROUND, "VACUUM ANALYZE"] {
        client.batch_execute(sql).await?;
    }
    drop(client);
    connection.await??;
    Ok(())
}

/// With which values a statement is planned.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Whatever they will be: the plan that the server keeps for a prepared statement.
    Any,
    /// With these, written as SQL: the plan of its first runs.
    These(&'a [&'a str]),
}

/// The large tables that a statement would read from their beginning to their end, with its plan if there
/// are any.
pub async fn scanned(
    client: &Client,
    statement: &str,
    values: Values<'_>,
) -> Result<Option<String>, tokio_postgres::Error> {
    client
        .batch_execute(&format!("PREPARE planned AS {statement}"))
        .await?;
    let plan = plan(client, values).await;
    client.batch_execute("DEALLOCATE planned").await?;
    let plan = plan?;
    for line in plan.lines() {
        let Some((_, rest)) = line.split_once("Seq Scan on ") else {
            continue;
        };
        let table = rest.split([' ', '\n']).next().unwrap_or_default();
        let rows = client
            .query_one(
                "SELECT coalesce(max(reltuples), 0) AS rows FROM pg_class WHERE relname = $1",
                &[&table],
            )
            .await?;
        if f64::from(rows.get::<_, f32>("rows")) >= f64::from(LARGE_ROWS) {
            return Ok(Some(format!("{table}:\n{plan}")));
        }
    }
    Ok(None)
}

async fn plan(client: &Client, values: Values<'_>) -> Result<String, tokio_postgres::Error> {
    let (mode, values) = match values {
        Values::Any => {
            let count = "SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements \
                         WHERE name = 'planned'";
            let count: i32 = client.query_one(count, &[]).await?.get("count");
            let unknown = usize::try_from(count).unwrap_or_default();
            ("force_generic_plan", vec!["NULL"; unknown])
        }
        Values::These(values) => ("force_custom_plan", values.to_vec()),
    };
    client
        .batch_execute(&format!("SET plan_cache_mode = {mode}"))
        .await?;
    let brackets = if values.is_empty() {
        String::new()
    } else {
        format!("({})", values.join(", "))
    };
    let rows = client
        .query(&format!("EXPLAIN EXECUTE planned{brackets}"), &[])
        .await?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines.join("\n"))
}
