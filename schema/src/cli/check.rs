//! `schema check`: does the database fit this release?

use schema::VersionError;

use super::{Connection, Failure, say};

pub(crate) async fn run(connection: &Connection) -> Result<(), Failure> {
    let client = connection.open().await?;
    schema::check_version(&client)
        .await
        .map_err(|error| match error {
            VersionError::NotMigrated
            | VersionError::TooOld { .. }
            | VersionError::TooNew { .. } => Failure::config(error),
            VersionError::Unreadable(_) => Failure::other(error),
        })?;
    say("the database fits this release")
}
