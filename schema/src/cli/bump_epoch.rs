//! `schema bump-epoch`: every hook-service loads everything anew.

use super::{Connection, Failure, say};

pub(crate) async fn run(connection: &Connection) -> Result<(), Failure> {
    let client = connection.open().await?;
    let epoch = schema::change_log::bump_epoch(&client)
        .await
        .map_err(|error| {
            Failure::other(anyhow::anyhow!(
                "the epoch was not changed: {}",
                schema::said(&error)
            ))
        })?;
    say(&format!("new epoch {epoch}"))
}
