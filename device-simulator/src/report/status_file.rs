//! The status file: the counters as JSON, replaced atomically about five times a second, so that a
//! supervisor can wait for a condition instead of for a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::board::Board;
use crate::failure::Failure;
use crate::state::replace;
use crate::telemetry::rfc3339;

/// How often the file is replaced.
const PERIOD: Duration = Duration::from_millis(200);

/// Where to write, and what.
#[derive(Clone, Debug)]
pub struct StatusFile {
    path: PathBuf,
    board: Arc<Board>,
}

impl StatusFile {
    /// Writes the file a first time, so that a wrong path is said before anything starts.
    pub fn create(path: &Path, board: Arc<Board>) -> Result<Self, Failure> {
        let file = Self {
            path: path.to_owned(),
            board,
        };
        file.write("running").map_err(|error| {
            Failure::config(format!(
                "cannot write --status-file {}: {error}; name a file in a folder of your own",
                path.display()
            ))
        })?;
        Ok(file)
    }

    /// Replaces the file until `done`, then once more with the state `done`.
    pub async fn keep(self, done: CancellationToken) {
        let mut complained = false;
        loop {
            let last = tokio::select! {
                () = done.cancelled() => true,
                () = tokio::time::sleep(PERIOD) => false,
            };
            let state = if last { "done" } else { "running" };
            let file = self.clone();
            let written = tokio::task::spawn_blocking(move || file.write(state)).await;
            if let Ok(Err(error)) = written
                && !complained
            {
                complained = true;
                tracing::warn!("the status file {} is stale: {error}", self.path.display());
            }
            if last {
                return;
            }
        }
    }

    fn write(&self, state: &str) -> std::io::Result<()> {
        let totals = self.board.totals();
        let value = json!({
            "state": state,
            "pid": std::process::id(),
            "at": rfc3339(OffsetDateTime::now_utc()),
            "totals": {
                "devices": totals.devices,
                "enrolled": totals.enrolled,
                "failed": totals.failed,
                "connected": totals.connected,
                "ever_connected": totals.ever_connected,
                "reconnects": totals.reconnects,
                "published": totals.published,
                "acked": totals.acked,
                "received": totals.received,
            },
            "refused_by_reason": self.board.refused_by_reason(),
            "disconnected_by_reason": self.board.disconnected_by_reason(),
            "devices": self.board.devices_json(),
        });
        replace(&self.path, value.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use serde_json::Value;

    use super::*;
    use crate::device_id::{DeviceId, fleet};

    #[tokio::test]
    async fn the_file_follows_the_counters_and_says_when_the_run_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let read = || -> Value { serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap() };
        let board = Arc::new(Board::new(&fleet("grow", 2).unwrap()));
        let file = StatusFile::create(&path, Arc::clone(&board)).unwrap();
        assert_eq!(read()["state"], "running");
        assert_eq!(read()["devices"]["grow-0002"]["connected"], false);
        assert_eq!(read()["devices"]["grow-0002"]["last_refusal"], Value::Null);

        let device = board.device(&DeviceId::parse("grow-0002").unwrap());
        device.connected.store(true, Ordering::Relaxed);
        device.published.fetch_add(3, Ordering::Relaxed);
        board.refused(&device, "connack_banned");
        let done = CancellationToken::new();
        let keeper = tokio::spawn(file.keep(done.clone()));
        done.cancel();
        keeper.await.unwrap();
        let value = read();
        assert_eq!(value["state"], "done");
        assert_eq!(value["totals"]["connected"], 1);
        assert_eq!(value["devices"]["grow-0002"]["published"], 3);
        assert_eq!(
            value["devices"]["grow-0002"]["last_refusal"],
            "connack_banned"
        );
        assert_eq!(value["refused_by_reason"]["connack_banned"], 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_said_at_once() {
        let board = Arc::new(Board::new(&fleet("grow", 1).unwrap()));
        let failure = StatusFile::create(Path::new("/none/status.json"), board).unwrap_err();
        assert_eq!(failure.code(), 78);
        assert!(failure.to_string().contains("--status-file"), "{failure}");
    }
}
