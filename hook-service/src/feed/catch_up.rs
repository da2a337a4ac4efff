//! A look: the head and what came since the last one, read in one snapshot, and applied.
//!
//! Two round trips. What depends on nothing that was answered goes out together, because each round
//! trip is two waits for a processor where others have work too.

use lease::Head;
use tokio_postgres::Client;

use super::link::Statements;
use super::log::{self, Log, Piece};
use super::{FeedError, head, people, rows};
use crate::fleet::Writer;
use crate::metrics::Metrics;

/// The snapshot is of the first statement after this.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const END: &str = "COMMIT";

/// Begins a look: reads the head, and the log after `applied`. It stays open until [`end`] or
/// [`apply`]; whoever gives it up before gives up the connection.
pub(super) async fn begin(
    client: &Client,
    statements: &Statements,
    applied: i64,
) -> Result<(Head, Log), FeedError> {
    let begun = async { client.batch_execute(BEGIN).await.map_err(FeedError::from) };
    // Polled in this order for the first time, which is when each is sent.
    let ((), head, log) = futures::try_join!(
        begun,
        head::read(client, &statements.head),
        log::read(client, statements, applied),
    )?;
    Ok((head, log))
}

/// Ends a look.
pub(super) async fn end(client: &Client) -> Result<(), FeedError> {
    Ok(client.batch_execute(END).await?)
}

/// Reads the current rows of what a piece of the log names, ends the look, and applies them. Returns
/// the newest number.
///
/// Reading the current rows, and not what the change wrote, makes applying idempotent: a change
/// that is read twice, or together with a later one, ends at the same table.
pub(super) async fn apply(
    client: &Client,
    statements: &Statements,
    writer: &mut Writer,
    metrics: &Metrics,
    piece: &Piece,
) -> Result<i64, FeedError> {
    let services = if piece.service_clients.is_empty() {
        None
    } else {
        Some(rows::service_clients(client).await?)
    };
    let people = people::changed(client, &piece.accounts, &piece.groups, writer.numbers()).await?;
    let (devices, ()) = futures::try_join!(
        rows::devices(
            client,
            &statements.devices,
            &piece.devices,
            writer.numbers()
        ),
        end(client)
    )?;
    writer.apply(&devices);
    writer.apply_people(people);
    if let Some((services, left_out)) = services {
        writer.replace_services(services);
        metrics
            .rights_left_out
            .set(i64::try_from(left_out).unwrap_or(i64::MAX));
    }
    Ok(piece.newest)
}
