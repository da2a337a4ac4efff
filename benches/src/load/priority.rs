//! A generator thread goes before the servers that it shares processors with.
//!
//! Open loop only: there a request has its time, and a thread that waits for a processor is late by
//! the scheduler's slice (some milliseconds) whatever the server does. Every server is measured with
//! the same priority. In closed loop nobody waits for a time, and nothing is changed.

use std::process::{Command, Stdio};

/// Where a generator thread stands in the scheduler's queue, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Like everybody.
    Normal,
    /// Before every thread that is not real-time (`SCHED_RR`, sched(7)).
    RealTime,
}

impl Priority {
    /// Raises the calling thread with `chrt` of util-linux, which needs root or `CAP_SYS_NICE`.
    /// Without it the thread stays as it is, and is refused when it was late.
    pub(super) fn raise() -> Self {
        let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
        let done = Command::new("chrt")
            .args(["--rr", "--pid", "1", &thread])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if done.is_ok_and(|status| status.success()) {
            Self::RealTime
        } else {
            Self::Normal
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::RealTime => "real-time",
        }
    }
}
