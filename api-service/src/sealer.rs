//! Seals the audit: each second, what was committed since is chained to what was before.
//!
//! The newest seal's hash goes into the log, which is kept elsewhere: whoever rewrites the database's
//! chain from an entry on has to rewrite that log as well.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::domain::audit::chain::text;
use crate::problem::chain;
use crate::store::StoreError;
use crate::store::audit::seal::Head;

/// Between two looks. Until then an entry can still be taken back without a trace.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Seals until `stop`. With several replicas one does it at a time, whichever comes first.
pub(crate) async fn run(api: Api, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match seal(&api).await {
            // There may be more than one seal holds.
            Ok(Some(head)) => {
                tell(&api, &head);
                continue;
            }
            Ok(None) => {}
            Err(error) if error.is_ours() => {
                tracing::error!(error = chain(&error), "the audit could not be sealed");
            }
            Err(error) => {
                tracing::debug!(error = chain(&error), "the audit could not be sealed now");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn seal(api: &Api) -> Result<Option<Head>, StoreError> {
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("seal_audit").await?;
    let head = tx.seal_audit().await?;
    tx.commit().await?;
    Ok(head)
}

fn tell(api: &Api, head: &Head) {
    api.metrics.audit_seal.set(head.number);
    let hash = text(&head.hash);
    tracing::info!(
        seal = head.number,
        entries = head.entries,
        hash,
        "audit sealed"
    );
}
