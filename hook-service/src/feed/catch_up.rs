//! Applies what came since the last look.

use tokio_postgres::Client;

use super::log::{self, Log};
use super::{FeedError, people, rows, snapshot};
use crate::fleet::Writer;
use crate::metrics::{Metrics, Reload};

/// Reads the log and the current rows of what it names in one snapshot, and applies them. Returns
/// the newest number, or why everything must be loaded instead.
///
/// Reading the current rows, and not what the change wrote, makes applying idempotent: a change
/// that is read twice, or together with a later one, ends at the same table.
pub(super) async fn catch_up(
    client: &mut Client,
    writer: &mut Writer,
    metrics: &Metrics,
    applied: i64,
) -> Result<Result<i64, Reload>, FeedError> {
    let tx = snapshot::begin(client).await?;
    let piece = match log::read(&tx, applied).await? {
        Log::Piece(piece) => piece,
        Log::Gap => return Ok(Err(Reload::Gap)),
        Log::Bulk => return Ok(Err(Reload::Bulk)),
    };
    let devices = if piece.devices.is_empty() {
        Vec::new()
    } else {
        rows::devices(&tx, &piece.devices, writer.numbers()).await?
    };
    let services = if piece.service_clients.is_empty() {
        None
    } else {
        Some(rows::service_clients(&tx).await?)
    };
    let people = people::changed(&tx, &piece.accounts, &piece.groups, writer.numbers()).await?;
    tx.commit().await?;
    writer.apply(&devices);
    writer.apply_people(people);
    if let Some((services, left_out)) = services {
        writer.replace_services(services);
        metrics
            .rights_left_out
            .set(i64::try_from(left_out).unwrap_or(i64::MAX));
    }
    Ok(Ok(piece.newest))
}
