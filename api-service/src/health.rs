//! Whether the database can be used, watched in the background.
//!
//! Readiness must answer at once, also while the database hangs; so a task looks now and then and
//! keeps what it saw.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::outbox::backoff;
use crate::problem::chain;
use crate::store::health::Unusable;

/// Between two looks while all is well.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Idempotency keys and old operations are purged once in so many looks.
const LOOKS_BETWEEN_PURGES: u32 = 300;

/// What was last seen; `Ok` when the database can be used.
#[derive(Clone)]
pub(crate) struct Seen(Arc<Mutex<Result<(), String>>>);

impl Seen {
    /// Nothing was seen yet.
    pub(crate) fn nothing() -> Self {
        Self(Arc::new(Mutex::new(Err(
            "the database has not answered yet".to_owned(),
        ))))
    }

    /// What was last seen.
    pub(crate) fn get(&self) -> Result<(), String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, seen: Result<(), String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

/// Watches until `stop`. Ends early, with the sentence to show, when the schema does not fit at the
/// first look; later (during a restore, or an upgrade) that is waited for like an outage.
pub(crate) async fn watch(api: Api, seen: Seen, stop: CancellationToken) -> Result<(), String> {
    let (mut fits, mut has_fitted) = (false, false);
    let mut failures = 0_u32;
    let mut looks = 0_u32;
    while !stop.is_cancelled() {
        let looked = if fits {
            ping(&api).await
        } else {
            fit(&api).await
        };
        match looked {
            Ok(()) => {
                if failures > 0 || !fits {
                    tracing::info!("the database answers");
                }
                (fits, has_fitted, failures) = (true, true, 0);
                seen.set(Ok(()));
            }
            Err(Unusable::Version(error)) if !has_fitted => return Err(error.to_string()),
            Err(error) => {
                let reason = chain(&error);
                if failures == 0 {
                    tracing::warn!(reason, "the database cannot be used; trying until it can");
                }
                // After an outage the schema may be another one: a restored or an upgraded one.
                fits = false;
                failures += 1;
                seen.set(Err(reason));
            }
        }
        api.metrics.database_up.set(i64::from(failures == 0));
        looks += 1;
        if failures == 0 && looks % LOOKS_BETWEEN_PURGES == 1 {
            purge(&api).await;
        }
        let pause = match failures {
            0 => LOOK_EVERY,
            n => backoff::pause(n, 1.0).min(Duration::from_secs(5)),
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    Ok(())
}

async fn fit(api: &Api) -> Result<(), Unusable> {
    api.store.check_version().await?;
    ping(api).await
}

async fn ping(api: &Api) -> Result<(), Unusable> {
    if api.store.connect().await?.is_standby().await? {
        return Err(Unusable::Store(crate::store::StoreError::Unavailable(
            "the server is a standby and takes no commands: point API_DATABASE_URL to the primary"
                .into(),
        )));
    }
    Ok(())
}

async fn purge(api: &Api) {
    let purged = async { api.store.connect().await?.purge_idempotency_keys().await };
    match purged.await {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "old idempotency keys are gone"),
        Err(error) => tracing::warn!(error = chain(&error), "old idempotency keys stay"),
    }
    let purged = async { api.store.connect().await?.purge_outbox().await };
    match purged.await {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "old operations are gone"),
        Err(error) => tracing::warn!(error = chain(&error), "old operations stay"),
    }
}
