//! The events of `--json`: one object a line, told apart by `event`.

use serde::Serialize;

/// Something that happened to one device. Names of reasons are those of
/// [`crate::session::refusal`].
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The device has a certificate.
    Enrolled {
        /// Which device.
        device: String,
        /// Of its certificate.
        fingerprint: String,
        /// Whether it was already on the disk.
        reused: bool,
    },
    /// An enrolment attempt failed and will be repeated.
    EnrolRetry {
        /// Which device.
        device: String,
        /// What went wrong.
        message: String,
        /// Until the next attempt.
        wait_ms: u64,
    },
    /// The device has no certificate and will get none in this run.
    EnrolFailed {
        /// Which device.
        device: String,
        /// Why, with the mend.
        message: String,
    },
    /// The broker accepted the device.
    Connected {
        /// Which device.
        device: String,
        /// Whether the broker had kept its session.
        session_present: bool,
        /// 1 for the first connect of this run.
        connect: u64,
    },
    /// A connect did not come to be.
    Refused {
        /// Which device.
        device: String,
        /// The counted reason.
        reason: String,
        /// The MQTT reason code, if it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u8>,
        /// Until the next attempt.
        wait_ms: u64,
    },
    /// An accepted connection ended.
    Disconnected {
        /// Which device.
        device: String,
        /// The counted reason.
        reason: String,
        /// The MQTT reason code, if it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u8>,
        /// How long it had lasted.
        lasted_ms: u64,
        /// Until the next attempt.
        wait_ms: u64,
    },
    /// The broker refused a publish or a subscribe.
    Denied {
        /// Which device.
        device: String,
        /// The topic or filter.
        topic: String,
        /// The counted reason.
        reason: String,
    },
    /// A service sent something. Counted, not answered.
    Received {
        /// Which device.
        device: String,
        /// For example `rpc/request`.
        category: String,
        /// Of the payload.
        bytes: usize,
    },
    /// The run is ending: every connected device says goodbye.
    Stopping {
        /// `duration`, `signal` or `finished`.
        because: &'static str,
    },
}

impl Event {
    /// Whether a person wants to read it although nobody asked for every event.
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::EnrolFailed { .. })
    }
}
