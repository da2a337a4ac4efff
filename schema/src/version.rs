//! Does the database fit this build? What a service asks at start instead of migrating.

use tokio_postgres::Client;

use crate::said::said;

/// The version that this build's migrations lead to.
pub const SCHEMA_VERSION: i32 = 5;

/// Oldest schema this build works with: its own. Its statements name what its migrations made, so
/// the migration comes before the services.
pub const OLDEST_SUPPORTED: i32 = SCHEMA_VERSION;

/// Newest schema this build works with: one step after its own. Every migration keeps the programs
/// of the release before it working, so services are upgraded one by one after it.
pub const NEWEST_SUPPORTED: i32 = SCHEMA_VERSION + 1;

/// Why a service cannot work with a database. Exit code 78, except for `Unreadable`.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// No migration was ever applied.
    #[error("the database has no IoT Hub schema; run `schema migrate`")]
    NotMigrated,
    /// Migrations are missing.
    #[error(
        "the database has schema version {found}, this program needs {OLDEST_SUPPORTED} to {NEWEST_SUPPORTED}; run `schema migrate` of this release"
    )]
    TooOld {
        /// The database's version.
        found: i32,
    },
    /// The database is ahead of this program.
    #[error(
        "the database has schema version {found}, this program works with {OLDEST_SUPPORTED} to {NEWEST_SUPPORTED}; run a newer release of this program"
    )]
    TooNew {
        /// The database's version.
        found: i32,
    },
    /// The database could not be asked. Worth a retry.
    #[error("the schema version could not be read: {}", said(.0))]
    Unreadable(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for VersionError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Accepts [`OLDEST_SUPPORTED`] to [`NEWEST_SUPPORTED`]. Needs no more rights than either service has.
pub async fn check_version(client: &Client) -> Result<(), VersionError> {
    match read(client).await? {
        None => Err(VersionError::NotMigrated),
        Some(found) => judge(found),
    }
}

fn judge(found: i32) -> Result<(), VersionError> {
    match found {
        ..OLDEST_SUPPORTED => Err(VersionError::TooOld { found }),
        OLDEST_SUPPORTED..=NEWEST_SUPPORTED => Ok(()),
        _ => Err(VersionError::TooNew { found }),
    }
}

/// The newest applied migration; `None` when there is none.
pub(crate) async fn read(client: &Client) -> Result<Option<i32>, tokio_postgres::Error> {
    let table = "SELECT to_regclass('public.refinery_schema_history') IS NOT NULL";
    if !client.query_one(table, &[]).await?.get::<_, bool>(0) {
        return Ok(None);
    }
    let newest = "SELECT max(version) FROM public.refinery_schema_history";
    Ok(client.query_one(newest, &[]).await?.get(0))
}

#[cfg(test)]
mod tests {
    use super::{NEWEST_SUPPORTED, OLDEST_SUPPORTED, SCHEMA_VERSION, VersionError, judge};

    #[test]
    fn the_constant_is_the_newest_migration_and_none_is_missing() {
        let versions = crate::migrate::embedded_versions();
        assert_eq!(versions, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    }

    #[test]
    fn its_own_and_one_step_after_fit_and_each_refusal_names_its_mend() {
        assert!(judge(SCHEMA_VERSION).is_ok() && judge(NEWEST_SUPPORTED).is_ok());
        let old = judge(OLDEST_SUPPORTED - 1)
            .expect_err("too old")
            .to_string();
        assert!(old.contains("run `schema migrate`"), "{old}");
        let new = judge(NEWEST_SUPPORTED + 1).expect_err("too new");
        assert!(matches!(new, VersionError::TooNew { found } if found == NEWEST_SUPPORTED + 1));
        assert!(new.to_string().contains("newer release"), "{new}");
    }
}
