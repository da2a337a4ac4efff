//! Care of the change log, for the owner of the schema: a new epoch, and trimming.
//!
//! Reading the log is hook-service's, writing it the database's own triggers'.

use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// Tells every reader to load everything anew. Needed after a restore, and after anything that
/// bypassed the triggers.
pub async fn bump_epoch(client: &Client) -> Result<Uuid, Error> {
    Ok(client
        .query_one("SELECT public.bump_epoch()", &[])
        .await?
        .get(0))
}

/// Deletes all but the newest `keep` changes (at least 1) and says how many went.
///
/// A reader that is further behind than `keep` loads everything, which is slower and never wrong.
pub async fn trim(client: &Client, keep: i64) -> Result<i64, Error> {
    Ok(client
        .query_one("SELECT public.trim_changes($1)", &[&keep])
        .await?
        .get(0))
}
