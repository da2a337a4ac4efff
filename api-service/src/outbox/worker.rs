//! Takes entries from the outbox and carries them out.
//!
//! Woken by commits of this process and by a poll, which finds the entries of other processes and
//! those whose time has come.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use super::end_sessions::{EndError, Ending, end_sessions};
use super::{backoff, kind};
use crate::api::Api;
use crate::broker::Broker;
use crate::problem::chain;
use crate::store::StoreError;
use crate::store::outbox::Claimed;
use schema::DeviceId;
use schema::Lifecycle;

/// Entries at a time.
const BATCH: usize = 16;

/// A claim lasts longer than the longest attempt (15 s of kicks and a few calls of 5 s), in seconds.
const CLAIM_S: f64 = 60.0;

/// Between two looks when nothing wakes the worker.
const POLL: Duration = Duration::from_secs(1);

/// Longest text kept as an entry's last error, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What an entry says when there is nobody to carry it to.
const NO_BROKER: &str = "no broker is configured: set API_BROKER_URL and API_BROKER_KEY";

/// What one entry came to.
enum Outcome {
    Done,
    /// Not needed any more: the device is in another state.
    Superseded,
    Failed(String),
}

/// Runs until `stop`. A batch under way ends first.
pub(crate) async fn run(
    api: Api,
    broker: Option<Broker>,
    settle: Duration,
    stop: CancellationToken,
) {
    if broker.is_none() {
        tracing::warn!("{NO_BROKER}; revoked devices stay connected until their session's end");
    }
    while !stop.is_cancelled() {
        let busy = match &broker {
            Some(broker) => batch(&api, broker, settle).await,
            None => explain(&api).await.map(|()| false),
        };
        let busy = busy.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "the outbox could not be read");
            false
        });
        observe(&api).await;
        if !busy {
            tokio::select! {
                () = stop.cancelled() => {}
                () = api.outbox_wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

/// Carries due entries out. Says whether there may be more.
async fn batch(api: &Api, broker: &Broker, settle: Duration) -> Result<bool, StoreError> {
    let limit = i64::try_from(BATCH).unwrap_or(1);
    let claimed = api
        .store
        .connect()
        .await?
        .claim_outbox(limit, CLAIM_S)
        .await?;
    let full = claimed.len() == BATCH;
    stream::iter(claimed)
        .for_each_concurrent(BATCH, |entry| one(api, broker, settle, entry))
        .await;
    Ok(full)
}

async fn one(api: &Api, broker: &Broker, settle: Duration, entry: Claimed) {
    let outcome = match attempt(api, broker, settle, &entry).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(chain(&error)),
    };
    let word = match &outcome {
        Outcome::Done => "done",
        Outcome::Superseded => "superseded",
        Outcome::Failed(_) => "failed",
    };
    api.metrics
        .outbox_attempts
        .with_label_values(&[entry.kind.as_str(), word])
        .inc();
    if let Err(error) = note(api, &entry, outcome).await {
        // The claim runs out and the entry is carried out again: that is what "at least once" means.
        tracing::warn!(
            id = entry.id,
            error = chain(&error),
            "an outcome could not be noted"
        );
    }
}

async fn note(api: &Api, entry: &Claimed, outcome: Outcome) -> Result<(), StoreError> {
    let connection = api.store.connect().await?;
    match outcome {
        Outcome::Done | Outcome::Superseded => {
            tracing::info!(id = entry.id, device = entry.subject, "sessions ended");
            connection.outbox_done(entry.id).await
        }
        Outcome::Failed(reason) => {
            let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
            let attempts = u32::try_from(entry.attempts).unwrap_or(0);
            let pause = backoff::pause(attempts, rand::rng().random());
            tracing::warn!(
                id = entry.id,
                device = entry.subject,
                reason,
                "will be tried again"
            );
            connection
                .outbox_failed(entry.id, &reason, pause.as_secs_f64())
                .await
        }
    }
}

/// Looks at the device as it is now, then acts. A revoked device stays revoked, so nothing can make
/// the act wrong between the look and its end.
async fn attempt(
    api: &Api,
    broker: &Broker,
    settle: Duration,
    entry: &Claimed,
) -> Result<Outcome, StoreError> {
    debug_assert_eq!(entry.kind, kind::END_DEVICE_SESSIONS);
    let Ok(id) = DeviceId::parse(&entry.subject) else {
        return Ok(Outcome::Failed(
            "the subject is not a device's id".to_owned(),
        ));
    };
    let device = api.store.connect().await?.device(&id).await?;
    let Some(device) = device.filter(|device| device.lifecycle == Lifecycle::Revoked) else {
        return Ok(Outcome::Superseded);
    };
    let ending = Ending {
        device_id: &device.device_id,
        change_number: entry.change_number,
        now: (api.clock)().into(),
        settle,
    };
    Ok(match end_sessions(broker, ending).await {
        Ok(()) => Outcome::Done,
        Err(EndError::Broker(error)) => Outcome::Failed(chain(&error)),
        Err(error @ EndError::StillThere) => Outcome::Failed(error.to_string()),
    })
}

async fn explain(api: &Api) -> Result<(), StoreError> {
    api.store
        .connect()
        .await?
        .explain_outbox(NO_BROKER)
        .await
        .map(drop)
}

async fn observe(api: &Api) {
    let backlog = async { api.store.connect().await?.backlog().await };
    if let Ok(backlog) = backlog.await {
        api.metrics.outbox_depth.set(backlog.depth);
        api.metrics.outbox_oldest_seconds.set(backlog.oldest_s);
    }
}

/// Wakes the worker; call it after a commit that added an entry.
pub(crate) fn wake(notify: &Arc<tokio::sync::Notify>) {
    notify.notify_one();
}
