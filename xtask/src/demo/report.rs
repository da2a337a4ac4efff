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
    /// Hook answers while PostgreSQL was being restarted.
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

/// Least numbers that prove something.
const TELEMETRY_MIN: u64 = 100;
const RESTART_ANSWERS_MIN: u64 = 1_001;

impl Report {
    /// Adds what the numbers themselves say is wrong, and decides `ok`.
    pub(super) fn judge(&mut self) {
        let Self {
            devices,
            connected,
            telemetry_received,
            ..
        } = *self;
        if connected != devices {
            let [connected, devices] = [connected, devices].map(Option::unwrap_or_default);
            let text = format!("{connected} of {devices} devices are connected");
            self.wrong.push(text);
        }
        if telemetry_received.is_some_and(|count| count < TELEMETRY_MIN) {
            self.wrong.push(format!(
                "fewer than {TELEMETRY_MIN} telemetry messages came"
            ));
        }
        if self
            .pg_restart_answers
            .is_some_and(|count| count < RESTART_ANSWERS_MIN)
        {
            self.wrong.push(format!(
                "fewer than {RESTART_ANSWERS_MIN} answers during the restart"
            ));
        }
        let pairs = [
            ("strangers", self.stranger_attempts, self.stranger_refused),
            (
                "foreign topics",
                self.foreign_topic_attempts,
                self.foreign_topic_refused,
            ),
            ("revoked", self.revoked_attempts, self.revoked_refused),
        ];
        for (name, attempts, refused) in pairs {
            if attempts != refused || attempts == Some(0) {
                let [refused, attempts] = [refused, attempts].map(Option::unwrap_or_default);
                let text = format!("{name}: {refused} of {attempts} attempts refused");
                self.wrong.push(text);
            }
        }
        let reached_the_end = self.telemetry_received.is_some();
        self.ok = self.wrong.is_empty() && reached_the_end && self.pg_restart_wrong == Some(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        Report {
            devices: Some(24),
            connected: Some(24),
            telemetry_received: Some(100),
            stranger_attempts: Some(9),
            stranger_refused: Some(9),
            foreign_topic_attempts: Some(9),
            foreign_topic_refused: Some(9),
            revoked_closed_ms: Some(50),
            revoked_attempts: Some(3),
            revoked_refused: Some(3),
            pg_restart_answers: Some(2_000),
            pg_restart_wrong: Some(0),
            ..Report::default()
        }
    }

    fn is_ok(mut report: Report) -> bool {
        report.judge();
        report.ok
    }

    #[test]
    fn a_story_that_went_well_is_ok_and_one_that_stopped_early_is_not() {
        assert!(is_ok(good()));
        assert!(!is_ok(Report::default()));
        assert!(!is_ok(Report {
            telemetry_received: None,
            ..good()
        }));
    }

    #[test]
    fn each_number_that_falls_short_is_not_ok() {
        assert!(!is_ok(Report {
            connected: Some(23),
            ..good()
        }));
        assert!(!is_ok(Report {
            telemetry_received: Some(99),
            ..good()
        }));
        assert!(!is_ok(Report {
            stranger_refused: Some(8),
            ..good()
        }));
        assert!(!is_ok(Report {
            foreign_topic_refused: None,
            ..good()
        }));
        assert!(!is_ok(Report {
            revoked_attempts: Some(0),
            revoked_refused: Some(0),
            ..good()
        }));
        assert!(!is_ok(Report {
            pg_restart_answers: Some(1_000),
            ..good()
        }));
        assert!(!is_ok(Report {
            pg_restart_wrong: Some(1),
            ..good()
        }));
        assert!(!is_ok(Report {
            wrong: vec!["told".to_owned()],
            ..good()
        }));
    }
}
