//! The last word of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use serde::Serialize;

use super::board::{Board, Totals};
use super::printer::{Output, print_line};

/// The object of the event `summary`, and the text of a run without `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    event: &'static str,
    /// In the fleet.
    pub devices: u64,
    /// Holding a certificate.
    pub enrolled: u64,
    /// Of those, given one in this run.
    pub enrolled_now: u64,
    /// Refused a certificate.
    pub failed: u64,
    /// Connected when the run began to end.
    pub connected: u64,
    /// Connected at least once.
    pub ever_connected: u64,
    /// Telemetry messages handed to MQTT.
    pub published: u64,
    /// Of those, acknowledged by the broker with success.
    pub acked: u64,
    /// Publishes and subscribes the broker refused.
    pub denied: u64,
    /// Readings not sent, because too many were unacknowledged.
    pub skipped: u64,
    /// Telemetry whose fate is unknown: the session ended before the acknowledgement.
    pub lost: u64,
    /// Messages from services.
    pub received: u64,
    /// Those by category.
    pub received_by_category: BTreeMap<String, u64>,
    /// Connects that did not come to be.
    pub refused_by_reason: BTreeMap<String, u64>,
    /// Accepted connections that ended.
    pub disconnected_by_reason: BTreeMap<String, u64>,
    /// Connects after each device's first.
    pub reconnects: u64,
    /// Events that a slow reader of stdout did not get.
    pub events_dropped: u64,
    /// Length of the run.
    pub seconds: f64,
}

impl Summary {
    /// Takes the counters, with `connected` as it was when the run began to end.
    pub(crate) fn new(
        board: &Board,
        connected: u64,
        events_dropped: u64,
        lasted: Duration,
    ) -> Self {
        let Totals {
            devices,
            enrolled,
            enrolled_now,
            failed,
            connected: _,
            ever_connected,
            reconnects,
            published,
            acked,
            denied,
            skipped,
            lost,
            received,
        } = board.totals();
        Self {
            event: "summary",
            devices,
            enrolled,
            enrolled_now,
            failed,
            connected,
            ever_connected,
            published,
            acked,
            denied,
            skipped,
            lost,
            received,
            received_by_category: board.received_by_category(),
            refused_by_reason: board.refused_by_reason(),
            disconnected_by_reason: board.disconnected_by_reason(),
            reconnects,
            events_dropped,
            seconds: (lasted.as_secs_f64() * 1_000.0).round() / 1_000.0,
        }
    }

    /// The last line of stdout: a JSON object, or a few lines for a person.
    pub(crate) fn print(&self, output: Output) {
        let written = match output {
            Output::Json => print_line(self),
            Output::Text => io::stdout().write_all(self.text().as_bytes()),
        };
        if let Err(error) = written {
            tracing::warn!("the summary could not be written: {error}");
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{} devices: {} enrolled ({} now), {} connected, {} reconnects\n\
             telemetry: {} published, {} acknowledged, {} skipped, {} lost; {} messages received\n",
            self.devices,
            self.enrolled,
            self.enrolled_now,
            self.connected,
            self.reconnects,
            self.published,
            self.acked,
            self.skipped,
            self.lost,
            self.received,
        );
        for (title, reasons) in [
            ("refused", &self.refused_by_reason),
            ("disconnected", &self.disconnected_by_reason),
        ] {
            for (reason, count) in reasons {
                let _ = writeln!(text, "{title}: {count} x {reason}");
            }
        }
        text
    }
}
