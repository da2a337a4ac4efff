//! What a broker saw in one phase.

use hdrhistogram::Histogram;

use crate::load::histogram;

/// Counts and latencies of one phase.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How long the phase was.
    pub(crate) seconds: f64,
    /// Requests that were meant to be sent.
    pub(crate) offered: u64,
    /// Those of them that never had a place on a connection while the phase lasted.
    pub(crate) unsent: u64,
    /// Allows that were right, with the device's own rights.
    pub(crate) allowed: u64,
    /// Denies where nothing else was right; shed or not cannot be told.
    pub(crate) denied: u64,
    /// Denies where an allow was right.
    pub(crate) shed: u64,
    /// Allows where a deny was right.
    pub(crate) wrong_allows: u64,
    /// Allows that name another device than the one that was asked for.
    pub(crate) out_of_order: u64,
    /// Connections that were closed and made again.
    pub(crate) reconnects: u64,
    /// Connections that could not be made at the first attempt.
    pub(crate) refused: u64,
    /// Requests that were sent again because their connection was closed.
    pub(crate) repeated: u64,
    /// Requests that were never answered, repeated or not.
    pub(crate) failed: u64,
    /// Nanoseconds from writing a request to its allow.
    pub(crate) allow_latency: Histogram<u64>,
    /// Nanoseconds from writing a request to its being shed.
    pub(crate) shed_latency: Histogram<u64>,
    /// Nanoseconds from when a request was meant to be sent to its answer, whichever.
    pub(crate) latency: Histogram<u64>,
    /// Nanoseconds by which the generator itself looked late at what was due.
    pub(crate) lateness: Histogram<u64>,
    /// Sheds by the millisecond after the phase's start.
    pub(crate) shed_by_ms: Vec<u32>,
    /// CPU seconds of this process.
    pub(crate) generator_cpu: f64,
    /// CPU seconds of the server.
    pub(crate) server_cpu: f64,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            seconds: 0.0,
            offered: 0,
            unsent: 0,
            allowed: 0,
            denied: 0,
            shed: 0,
            wrong_allows: 0,
            out_of_order: 0,
            reconnects: 0,
            refused: 0,
            repeated: 0,
            failed: 0,
            allow_latency: histogram(),
            shed_latency: histogram(),
            latency: histogram(),
            lateness: histogram(),
            shed_by_ms: Vec::new(),
            generator_cpu: 0.0,
            server_cpu: 0.0,
        }
    }

    /// Every answer.
    pub(crate) fn answers(&self) -> u64 {
        self.allowed + self.denied + self.shed + self.wrong_allows + self.out_of_order
    }

    /// This count in a second.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(crate) fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// The share of the phase that the generator was busy, 1 being one processor.
    pub(crate) fn generator_busy(&self) -> f64 {
        self.generator_cpu / self.seconds.max(f64::MIN_POSITIVE)
    }

    /// When the first `quiet_ms` without a shed began, milliseconds after the phase's start; `None`
    /// if the phase ended before.
    pub(crate) fn quiet_after_ms(&self, quiet_ms: usize) -> Option<usize> {
        let sheds = self.shed_by_ms.iter().enumerate();
        let sheds = sheds.filter(|(_, count)| **count > 0).map(|(ms, _)| ms);
        let mut quiet_from = 0;
        for ms in sheds {
            if ms - quiet_from >= quiet_ms {
                return Some(quiet_from);
            }
            quiet_from = ms + 1;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a phase lasts minutes"
        )]
        let lasted_ms = (self.seconds * 1000.0) as usize;
        (lasted_ms >= quiet_from + quiet_ms).then_some(quiet_from)
    }
}
