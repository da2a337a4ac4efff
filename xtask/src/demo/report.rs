//! The numbers of one run, as the JSON line that machines read.

use serde::Serialize;
use serde_json::Value;

/// What `up --demo --json` prints last. `null` is a step that was not reached.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Every number is what it has to be.
    pub(super) ok: bool,
    /// Devices that the simulator manufactured over the API.
    pub(super) devices: Option<u64>,
    /// How many of them the broker has a session for.
    pub(super) connected: Option<u64>,
    /// Different telemetry messages that the service client got.
    pub(super) telemetry_received: Option<u64>,
    pub(super) stranger_attempts: Option<u32>,
    pub(super) stranger_refused: Option<u32>,
    pub(super) foreign_topic_attempts: Option<u32>,
    pub(super) foreign_topic_refused: Option<u32>,
    /// From the call of revoke until the session was gone and the connection closed.
    pub(super) revoked_closed_ms: Option<u64>,
    pub(super) revoked_attempts: Option<u32>,
    pub(super) revoked_refused: Option<u32>,
    /// Hook answers while PostgreSQL was restarted twice.
    pub(super) pg_restart_answers: Option<u64>,
    /// How many of them were wrong.
    pub(super) pg_restart_wrong: Option<u64>,
    /// Of the whole run, building included.
    pub(super) seconds: Value,
    /// Seconds of each step.
    pub(super) steps: Value,
    /// What went wrong, in sentences.
    pub(super) wrong: Vec<String>,
}
