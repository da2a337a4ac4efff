//! What the tests stand on. Nothing here sleeps: every wait has a condition and a deadline.

pub(crate) mod api;
pub(crate) mod hook;
pub(crate) mod lab;
pub(crate) mod mqtt;
pub(crate) mod pki;
pub(crate) mod websocket;

use std::time::Duration;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
