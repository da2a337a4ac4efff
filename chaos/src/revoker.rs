//! Revokes devices and follows each operation to its end, telling the oracle what the API promised.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::oracle::Oracle;
use crate::stack::{ApiClient, Operation};

/// Between two questions about one operation.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What became of one revoke.
#[derive(Debug, Clone)]
pub struct Followed {
    /// From the call to the answer that it is committed.
    pub answered: Duration,
    /// From the call to the answer that says `complete`.
    pub complete: Duration,
    /// The operation at its end.
    pub operation: Operation,
}

/// Revokes one device and comes back when its operation is complete. Failures of the API are
/// waited through; `limit` bounds all of it.
pub async fn revoke_to_the_end(
    api: &ApiClient,
    oracle: &Arc<Oracle>,
    device: &str,
    limit: Duration,
) -> anyhow::Result<Followed> {
    let start = Instant::now();
    oracle.revoke_called(device);
    let revoked = api.revoke(device, None, limit).await?;
    let answered = start.elapsed();
    let operation = follow(api, oracle, device, revoked.operation, start + limit).await?;
    Ok(Followed {
        answered,
        complete: start.elapsed(),
        operation,
    })
}

/// Follows an operation until it is complete.
pub async fn follow(
    api: &ApiClient,
    oracle: &Arc<Oracle>,
    device: &str,
    operation: i64,
    deadline: Instant,
) -> anyhow::Result<Operation> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let operation = api.operation(operation, left).await?;
        if operation.fenced {
            oracle.fenced(device);
        }
        if operation.complete {
            oracle.complete(device);
            return Ok(operation);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the revoke of {device} did not end: {}",
            operation.body
        );
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
    }
}
