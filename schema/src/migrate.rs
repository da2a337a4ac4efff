//! Brings a database to this build's version. An explicit command, never a service at start.

use std::fmt::Write as _;

use refinery::Runner;
use tokio_postgres::Client;

use crate::said::said;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The ASCII bytes of "`iot_hub2`" as a number. Session lock: held over all migrations of one run.
const MIGRATION_LOCK: i64 = 7_597_419_049_520_554_546;

/// Oldest server: what production and the tests run.
const OLDEST_SERVER: i32 = 150_000;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// Version of the schema now.
    pub version: i32,
    /// Names of the migrations applied by this very run, oldest first; empty when there was nothing
    /// to do.
    pub applied: Vec<String>,
}

/// Why a database could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server is too old for the schema.
    #[error("PostgreSQL 15 or later is needed, this server is {found}")]
    Server {
        /// Its version as it says it.
        found: String,
    },
    /// The server is a standby.
    #[error("this server is a standby and takes no writes; migrate its primary")]
    Standby,
    /// A migration that this program does not know was applied.
    #[error(
        "this database was migrated by a newer release ({migration} is unknown here); run that release's `schema migrate`"
    )]
    Newer {
        /// The unknown migration.
        migration: String,
    },
    /// A migration was edited after it was applied.
    #[error(
        "{migration} was applied with another content; migrations are never edited after a release, restore the released file"
    )]
    Edited {
        /// The migration.
        migration: String,
    },
    /// A statement of a migration failed; that migration left nothing behind.
    #[error("a migration failed and was rolled back: {}", said(.0))]
    Migration(refinery::Error),
    /// The connection or a statement around the migrations failed.
    #[error("the database did not answer as needed: {}", said(.0))]
    Database(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for MigrateError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

/// Applies what is missing, in order, each migration in a transaction of its own.
///
/// Runs at the same time wait for each other. The session's `search_path` and time-outs are set for
/// the run and stay set: give it a connection of its own, straight to PostgreSQL (a session lock does
/// not survive a pooler in transaction mode). A future dropped half-way leaves the lock to the
/// session: close the connection.
pub async fn migrate(client: &mut Client) -> Result<Migrated, MigrateError> {
    check_server(client).await?;
    client
        .batch_execute("SET search_path = public; SET statement_timeout = 0; SET lock_timeout = 0")
        .await?;
    lock(client).await?;
    let result = run(client).await;
    // After a broken connection there is nothing to unlock; the first error is the one to show.
    let unlocked = client
        .execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
        .await;
    let migrated = result?;
    unlocked?;
    Ok(migrated)
}

/// Names the content of all migrations: 16 hexadecimal digits, other ones after any edit.
pub fn migrations_key() -> String {
    let runner = embedded::migrations::runner();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a over refinery's own checksums
    for migration in runner.get_migrations() {
        for byte in migration.checksum().to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    let mut key = String::new();
    write!(key, "{hash:016x}").expect("writing to a String cannot fail");
    key
}

/// Versions of the embedded migrations, oldest first.
#[cfg(test)]
pub(crate) fn embedded_versions() -> Vec<i32> {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(refinery::Migration::version)
        .collect()
}

async fn check_server(client: &Client) -> Result<(), MigrateError> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                    pg_is_in_recovery()",
            &[],
        )
        .await?;
    if row.get::<_, i32>(0) < OLDEST_SERVER {
        return Err(MigrateError::Server { found: row.get(1) });
    }
    if row.get(2) {
        return Err(MigrateError::Standby);
    }
    Ok(())
}

async fn lock(client: &Client) -> Result<(), MigrateError> {
    let free = client
        .query_one("SELECT pg_try_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    if !free.get::<_, bool>(0) {
        tracing::info!("another migration runs on this database; waiting for it");
        client
            .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await?;
    }
    Ok(())
}

async fn run(client: &mut Client) -> Result<Migrated, MigrateError> {
    let runner: Runner = embedded::migrations::runner();
    let report = runner.run_async(client).await.map_err(explain)?;
    let applied = report
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect();
    let version = crate::version::read(client).await?.unwrap_or(0);
    Ok(Migrated { version, applied })
}

fn explain(error: refinery::Error) -> MigrateError {
    match error.kind() {
        refinery::error::Kind::MissingVersion(migration) => MigrateError::Newer {
            migration: migration.to_string(),
        },
        refinery::error::Kind::DivergentVersion(_, migration) => MigrateError::Edited {
            migration: migration.to_string(),
        },
        _ => MigrateError::Migration(error),
    }
}
