//! Ends the claims that no device confirmed in time.
//!
//! Every replica of this service runs this. The device's row lock decides who ends a claim, and a claim
//! that was confirmed in the last moment is left alone.

use std::time::Duration;

use schema::{BindingState, DeviceId};
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::commands::binding::lapse;
use crate::domain::audit::Actor;
use crate::problem::chain;
use crate::store::StoreError;

/// Claims of one look.
const DUE_MAX: u16 = 100;

/// Between two looks. A claim may stand that much longer than its time.
const POLL: Duration = Duration::from_secs(1);

/// Runs until `stop`.
pub(crate) async fn run(api: Api, stop: CancellationToken) {
    let mut complaint = None;
    while !stop.is_cancelled() {
        let ended = step(&api).await;
        let is_full = matches!(ended, Ok(count) if count == usize::from(DUE_MAX));
        let failure = ended.err().map(|error| chain(&error));
        // An outage is told once and not once a second.
        if failure != complaint {
            if let Some(reason) = &failure {
                tracing::warn!(reason, "claims whose time is over stay for now");
            }
            complaint = failure;
        }
        if is_full {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Ends what is due; says how many there were.
async fn step(api: &Api) -> Result<usize, StoreError> {
    let due = api
        .store
        .connect()
        .await?
        .due_bindings(DUE_MAX.into())
        .await?;
    for id in &due {
        match expire(api, id).await {
            Err(error) if error.is_retry() => {}
            other => other?,
        }
    }
    Ok(due.len())
}

async fn expire(api: &Api, id: &DeviceId) -> Result<(), StoreError> {
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("expire_binding").await?;
    let Some(device) = tx.lock_device(id).await? else {
        return Ok(());
    };
    let Some(binding) = tx.pending_binding(id).await?.filter(|row| row.is_late) else {
        return Ok(());
    };
    lapse(&tx, &device, &binding, BindingState::Expired, Actor::System).await?;
    tx.commit().await
}
