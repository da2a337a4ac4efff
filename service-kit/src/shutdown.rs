//! When to stop: SIGTERM or SIGINT asks politely, a second one insists.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Two tokens: `soft` says "take no new work and finish", `hard` says "leave now".
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Cancelled by the first signal.
    pub soft: CancellationToken,
    /// Cancelled by the second signal.
    pub hard: CancellationToken,
}

impl Shutdown {
    /// Listens for signals from now on.
    pub fn on_signals() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::default();
        let tokens = shutdown.clone();
        tokio::spawn(async move {
            for token in [tokens.soft, tokens.hard] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                token.cancel();
            }
        });
        Ok(shutdown)
    }
}
