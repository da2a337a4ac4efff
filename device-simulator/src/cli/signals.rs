//! SIGINT and SIGTERM: the first ends the run in good order, the second at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// What a shell reports for a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels. Needs a tokio runtime.
pub(super) fn stop() -> Result<CancellationToken, Failure> {
    let failed = |error| Failure::other(format!("no signal handler: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first {
                token.cancel();
            } else {
                std::process::exit(INTERRUPTED);
            }
        }
    });
    Ok(stop)
}
