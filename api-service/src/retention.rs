//! Forgets what is older than the settings say: audit entries, notifications, and who was erased.
//!
//! Every replica runs this, and one at a time does something. It goes in small batches, each a
//! transaction, so that nobody waits for it; what a killed replica left undone the next one does.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::config::RetentionConfig;
use crate::problem::chain;
use crate::store::StoreError;

/// Between two looks, and after a failure. Days are what it is about.
const LOOK_EVERY: Duration = Duration::from_secs(600);
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// Runs until `stop`.
pub(crate) async fn run(api: Api, keep: RetentionConfig, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let pause = match batch(&api, keep).await {
            // There may be more than one batch holds.
            Ok(true) => continue,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(error, "what is too old stays for now");
                TRY_AGAIN
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Forgets one batch; says whether there was anything.
async fn batch(api: &Api, keep: RetentionConfig) -> Result<bool, StoreError> {
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("forget").await?;
    if !tx.may_forget().await? {
        return Ok(false);
    }
    let audit = match keep.audit_days {
        Some(days) => tx.purge_audit(days.into()).await?,
        None => None,
    };
    let notifications = tx
        .purge_notifications(keep.notification_days.into())
        .await?;
    let erasures = tx.purge_erasures().await?;
    tx.commit().await?;
    if let Some(entries) = audit {
        tracing::info!(entries, "old audit entries are gone");
    }
    if notifications > 0 {
        tracing::debug!(notifications, "old notifications are gone");
    }
    Ok(audit.is_some() || notifications > 0 || erasures > 0)
}
