//! From what was seen to figures, and to what is wrong with them.

use std::fmt::Write as _;

use anyhow::Context;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::broker::Seen;
use crate::report::rounded;
use crate::statistics::Spread;

/// What is shed is answered within this time, milliseconds.
const SHED_MS_MAX: f64 = 50.0;

/// Without a shed for this long, the overload is over, milliseconds.
const QUIET_MS: usize = 100;

/// The overload is over this long after its end, milliseconds.
const RECOVERED_MS_MAX: usize = 1000;

/// A connection may cost this much memory, bytes: what is read ahead of it, and the answers to it.
const CONNECTION_BYTES_MAX: u64 = 512 * 1024;

/// A generator that is busy for more than this share of the time offers less than it was told to.
const BUSY_MAX: f64 = 0.95;

/// The generator may be this late at the 99th percentile below the maximum, milliseconds.
const LATE_MS_MAX: f64 = 1.0;

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The rounds of the closed loop.
    pub(super) capacity: Vec<Seen>,
    /// One for each share of the maximum.
    pub(super) below: Vec<Seen>,
    /// The overload, and what followed it.
    pub(super) overload: Vec<Seen>,
    pub(super) connections: usize,
    pub(super) resident_before: u64,
    pub(super) resident_peak: u64,
    pub(super) shed_by_server: u64,
    pub(super) denied_by_server: u64,
}

impl Found {
    /// Decided answers a second, shed ones not counted: the median of the rounds.
    pub(super) fn capacity(&self) -> anyhow::Result<f64> {
        let rates = self
            .capacity
            .iter()
            .map(|seen| seen.per_second(seen.allowed + seen.denied));
        let rate = Spread::of(rates)
            .context("the maximum was measured")?
            .median;
        anyhow::ensure!(rate > 0.0, "the server answered nothing");
        Ok(rate)
    }

    /// The figures, and a sentence for each that is missed or refused.
    pub(super) fn figures(&self) -> anyhow::Result<(Value, Vec<String>)> {
        let [overload, after] = &self.overload[..] else {
            anyhow::bail!("the overload was measured");
        };
        let all = || {
            self.capacity
                .iter()
                .chain(&self.below)
                .chain(&self.overload)
        };
        let sum = |of: fn(&Seen) -> u64| all().map(of).sum::<u64>();
        let shed_below: u64 = self.below.iter().map(|seen| seen.shed).sum();
        let mut shed_latency = overload.shed_latency.clone();
        shed_latency += &after.shed_latency;
        let recovered = after.quiet_after_ms(QUIET_MS);
        let growth = self.resident_peak.saturating_sub(self.resident_before);

        // The server cannot shed what it has looked at, so among the denies that were right anyway
        // those that it shed are the ones for which it named no other reason.
        let shed_seen: u64 = self.overload.iter().map(|seen| seen.shed).sum();
        let denied_seen: u64 = self.overload.iter().map(|seen| seen.denied).sum();
        let agree = denied_seen >= self.denied_by_server
            && self.shed_by_server == shed_seen + (denied_seen - self.denied_by_server);

        let busy = overload.generator_busy();
        let late_ms = self.below.iter().map(|seen| ms(&seen.lateness, 0.99));
        let late_ms = late_ms.fold(0.0, f64::max);

        let mut complaints = Vec::new();
        let mut must = |holds: bool, otherwise: String| {
            if !holds {
                complaints.push(otherwise);
            }
        };
        must(
            late_ms <= LATE_MS_MAX,
            format!(
                "REFUSED below the maximum: the generator was {late_ms:.2} ms late at the 99th \
                 percentile, at most {LATE_MS_MAX} is taken"
            ),
        );
        must(
            busy <= BUSY_MAX,
            format!(
                "REFUSED in overload: the generator was busy {:.0} % of the time, so less was \
                 offered than was meant",
                busy * 100.0
            ),
        );
        must(
            shed_below == 0,
            format!("MISSED: {shed_below} requests were shed at 80 % of the maximum or below"),
        );
        let (p99, max) = (ms(&shed_latency, 0.99), ms(&shed_latency, 1.0));
        must(
            max <= SHED_MS_MAX,
            format!(
                "MISSED: a shed took up to {max:.1} ms (p99 {p99:.1}), at most {SHED_MS_MAX} is meant"
            ),
        );
        for (count, what) in [
            (
                sum(|seen| seen.wrong_allows),
                "were allowed and must not be",
            ),
            (sum(|seen| seen.out_of_order), "got another one's answer"),
            (sum(|seen| seen.failed), "got no answer"),
            (
                sum(|seen| seen.reconnects),
                "closed connections (counted apart)",
            ),
        ] {
            must(count == 0, format!("MISSED: {count} requests {what}"));
        }
        must(
            agree,
            format!(
                "MISSED: the server counted {} shed and {} denied otherwise, the generator saw \
                 {shed_seen} shed and {denied_seen} that had to be denied",
                self.shed_by_server, self.denied_by_server
            ),
        );
        must(
            overload.allowed > 0,
            "MISSED: nothing was decided in overload".to_owned(),
        );
        must(
            growth <= CONNECTION_BYTES_MAX * self.connections as u64,
            format!("MISSED: memory grew by {} MiB", growth >> 20),
        );
        must(
            recovered.is_some_and(|ms| ms <= RECOVERED_MS_MAX),
            format!("MISSED: it went on shedding after the overload: {recovered:?} ms"),
        );

        let figures = json!({
            "capacity_per_second": rounded(self.capacity()?),
            "shed_at_capacity": self.capacity.iter().map(|seen| seen.shed).sum::<u64>(),
            "offered_per_second": rounded(overload.per_second(overload.offered)),
            "answered_per_second": rounded(overload.per_second(overload.answers())),
            "decided_per_second": rounded(overload.per_second(overload.allowed)),
            "unsent": overload.unsent,
            "shed": shed_seen,
            "shed_below_80_percent": shed_below,
            "shed_p99_ms": rounded(p99),
            "shed_max_ms": rounded(max),
            "allow_p99_ms": rounded(ms(&overload.allow_latency, 0.99)),
            "allow_max_ms": rounded(ms(&overload.allow_latency, 1.0)),
            "p99_at_50_percent_ms": self.below.first().map(|seen| rounded(ms(&seen.latency, 0.99))),
            "p99_at_80_percent_ms": self.below.last().map(|seen| rounded(ms(&seen.latency, 0.99))),
            "wrong_allows": sum(|seen| seen.wrong_allows),
            "out_of_order": sum(|seen| seen.out_of_order),
            "failed": sum(|seen| seen.failed),
            "shed_by_server": self.shed_by_server,
            "counts_agree": agree,
            "resident_growth_mib": growth >> 20,
            "recovered_in_ms": recovered,
            "generator_busy": rounded(busy),
            "generator_late_p99_ms": rounded(late_ms),
            "generator_late_max_ms": rounded(ms(&overload.lateness, 1.0)),
            "server_us_at_capacity": self.capacity.last().map(server_us),
            "server_us_in_overload": server_us(overload),
            "overload_ok": complaints.is_empty(),
        });
        Ok((figures, complaints))
    }

    /// Every phase with its histograms: pairs of nanoseconds and count.
    pub(super) fn details(&self) -> Value {
        let phase = |seen: &Seen| {
            json!({
                "seconds": rounded(seen.seconds), "offered": seen.offered, "unsent": seen.unsent,
                "allowed": seen.allowed, "denied": seen.denied, "shed": seen.shed,
                "server_us": server_us(seen), "generator_busy": rounded(seen.generator_busy()),
                "late_p99_ms": rounded(ms(&seen.lateness, 0.99)),
                "shed_by_ms": seen.shed_by_ms,
                "allow_ns_counts": pairs(&seen.allow_latency),
                "shed_ns_counts": pairs(&seen.shed_latency),
                "from_intended_ns_counts": pairs(&seen.latency),
            })
        };
        let phases = |seen: &[Seen]| seen.iter().map(phase).collect::<Vec<_>>();
        json!({
            "capacity": phases(&self.capacity), "below": phases(&self.below),
            "overload_and_after": phases(&self.overload),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn server_us(seen: &Seen) -> Value {
    rounded(seen.server_cpu * 1e6 / seen.answers().max(1) as f64)
}

fn pairs(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram
        .iter_recorded()
        .map(|step| (step.value_iterated_to(), step.count_at_value()))
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "minutes of nanoseconds stay below 2^53"
)]
fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1e6
}

/// The figures for people: one to a line.
pub(super) fn table(figures: &Value) -> String {
    let mut text = String::new();
    for (name, value) in figures.as_object().into_iter().flatten() {
        if value.is_number() || value.is_boolean() || value.is_null() {
            writeln!(text, "{name:<28} {value}").expect("writing to memory succeeds");
        }
    }
    text
}
