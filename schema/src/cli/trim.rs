//! `schema trim`: deletes old entries of the change log.

use super::{Connection, Failure, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many of the newest changes stay (at least 1); a reader further behind loads everything
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..), value_name = "N")]
    keep: i64,
}

pub(crate) async fn run(connection: &Connection, args: &Args) -> Result<(), Failure> {
    let client = connection.open().await?;
    let trimmed = schema::change_log::trim(&client, args.keep)
        .await
        .map_err(|error| {
            Failure::other(anyhow::anyhow!(
                "nothing was trimmed: {}",
                schema::said(&error)
            ))
        })?;
    say(&format!("trimmed {trimmed} changes"))
}
