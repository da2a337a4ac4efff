//! Carries bulk revocations out, a chunk at a time.
//!
//! Each chunk is a transaction of its own with a change number of its own, so that single commands get
//! in between and the hooks follow step by step. Every replica of this service runs this; the lock on
//! a call's row decides who moves it, and a replica that dies lets go of it.

use std::time::Duration;

use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::outbox::{backoff, worker};
use crate::problem::chain;
use crate::store::StoreError;
use crate::store::bulk::NextChunk;

/// Most devices of a chunk: commits of others wait for one chunk at most.
const CHUNK_DEVICES: i64 = 1_000;

/// Between two looks when nothing wakes it: for the calls that another replica took and lost.
const POLL: Duration = Duration::from_secs(1);

/// Longest text kept as a call's last error, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Runs until `stop`. A chunk under way ends first.
pub(crate) async fn run(api: Api, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let worked = step(&api).await.unwrap_or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "bulk revocations could not be looked for"
            );
            false
        });
        if !worked {
            tokio::select! {
                () = stop.cancelled() => {}
                () = api.bulk_wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

/// Carries one chunk out. Says whether there may be more.
async fn step(api: &Api) -> Result<bool, StoreError> {
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("revoke_chunk").await?;
    let Some(chunk) = tx.next_chunk().await? else {
        return Ok(false);
    };
    let carried = carry_out(&tx, &chunk).await;
    let failure = match carried {
        Ok(progress) => match tx.commit().await {
            Ok(()) => {
                note(api, &chunk, &progress);
                return Ok(true);
            }
            Err(error) => error,
        },
        Err(error) => {
            // Rolls back, which the note below would otherwise wait for.
            drop(tx);
            error
        }
    };
    let reason: String = chain(&failure).chars().take(REASON_CHARS_MAX).collect();
    let attempts = u32::try_from(chunk.attempts).unwrap_or(0) + 1;
    let pause = backoff::pause(attempts, rand::rng().random());
    tracing::warn!(
        revocation = chunk.id,
        reason,
        "a chunk failed and will be tried again"
    );
    drop(connection);
    let connection = api.store.connect().await?;
    connection
        .bulk_failed(chunk.id, &reason, pause.as_secs_f64())
        .await?;
    Ok(true)
}

/// What a chunk came to.
enum Progress {
    /// So many devices were revoked.
    Revoked(usize),
    /// No device is left.
    Finished,
}

/// Revokes the next devices. Those that somebody else revoked between the look and the lock are
/// passed over; only a look that finds nothing ends the call.
async fn carry_out(tx: &crate::store::Tx<'_>, chunk: &NextChunk) -> Result<Progress, StoreError> {
    let next = tx
        .next_selected(&chunk.selector, &chunk.after, CHUNK_DEVICES)
        .await?;
    let Some(last) = next.last() else {
        tx.finish_bulk(chunk.id).await?;
        return Ok(Progress::Finished);
    };
    let locked = tx.lock_devices(&next).await?;
    tx.revoke_devices(chunk, &locked).await?;
    tx.advance_bulk(chunk.id, last, locked.len()).await?;
    Ok(Progress::Revoked(locked.len()))
}

fn note(api: &Api, chunk: &NextChunk, progress: &Progress) {
    match *progress {
        Progress::Revoked(devices) => {
            tracing::info!(
                revocation = chunk.id,
                devices,
                "a chunk of devices is revoked"
            );
            api.metrics.bulk_devices.inc_by(devices as u64);
            worker::wake(&api.outbox_wake);
            api.lists.outdate();
        }
        Progress::Finished => tracing::info!(revocation = chunk.id, "every chunk is committed"),
    }
}
