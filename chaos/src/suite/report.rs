//! What people and machines read at the end of a run.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chaos::oracle::{Judged, Violation};
use serde_json::{Value, json};

use crate::alerts::Rules;

/// A sentence for whoever waits.
#[expect(
    clippy::print_stderr,
    reason = "progress is for people and must not mix with the report"
)]
pub(crate) fn say(text: &str) {
    eprintln!("chaos: {text}");
}

/// A line on standard output.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("writing to standard output")
}

/// Everything that came of a run.
pub(super) struct Report {
    start: Instant,
    short: bool,
    seed: u64,
    held: Vec<(&'static str, f64, f64)>,
    skipped: Vec<(&'static str, String)>,
    failures: Vec<String>,
    judged: Judged,
    alerts: Vec<(String, Option<String>)>,
    ok: bool,
}

impl Report {
    pub(super) fn new(short: bool, seed: u64) -> Self {
        Self {
            start: Instant::now(),
            short,
            seed,
            held: Vec::new(),
            skipped: Vec::new(),
            failures: Vec::new(),
            judged: Judged::default(),
            alerts: Vec::new(),
            ok: false,
        }
    }

    /// A fault was survived; `ended` is from its end to the last operation's.
    pub(super) fn held(&mut self, fault: &'static str, took: Duration, ended: Duration) {
        let (took, ended) = (took.as_secs_f64(), ended.as_secs_f64());
        say(&format!(
            "{fault}: held ({took:.1} s; everything had ended {ended:.1} s after it)"
        ));
        self.held.push((fault, took, ended));
    }

    pub(super) fn skipped(&mut self, fault: &'static str, why: String) {
        say(&format!("{fault}: SKIPPED, {why}"));
        self.skipped.push((fault, why));
    }

    pub(super) fn failed(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Adds what the oracle of one stack saw.
    pub(super) fn judged(&mut self, judged: Judged, violations: &[Violation]) {
        let sum = &mut self.judged;
        sum.accepted += judged.accepted;
        sum.refused += judged.refused;
        sum.unanswered += judged.unanswered;
        sum.revoked += judged.revoked;
        sum.complete += judged.complete;
        sum.refused_after += judged.refused_after;
        sum.wrong_allows += judged.wrong_allows;
        sum.escaped += judged.escaped;
        for violation in violations {
            self.failed(format!("{}: {}", violation.device, violation.what));
        }
    }

    pub(super) fn alerts(&mut self, rules: &Rules) {
        self.alerts = rules.seen();
    }

    /// Decides; `whole` runs must have seen every alert.
    pub(super) fn conclude(&mut self, whole: bool) -> bool {
        if whole {
            let silent: Vec<String> = self
                .alerts
                .iter()
                .filter(|(_, fired)| fired.is_none())
                .map(|(name, _)| format!("alert {name} never fired"))
                .collect();
            self.failures.extend(silent);
        }
        let judged = &self.judged;
        if self.held.is_empty() && self.skipped.is_empty() && self.failures.is_empty() {
            self.failures.push("nothing was run".to_owned());
        }
        let sound = judged.wrong_allows == 0
            && judged.escaped == 0
            && judged.revoked == judged.complete
            && judged.complete == judged.refused_after;
        self.ok = sound && self.failures.is_empty();
        self.ok
    }

    pub(super) fn tell(&self) -> anyhow::Result<()> {
        for (fault, took, ended) in &self.held {
            print(&format!(
                "held     {fault:<24} {took:6.1} s, ended after {ended:5.1} s"
            ))?;
        }
        for (fault, why) in &self.skipped {
            print(&format!("SKIPPED  {fault:<24} {why}"))?;
        }
        for (alert, fired) in &self.alerts {
            match fired {
                Some(during) => print(&format!("fired    {alert:<32} during {during}"))?,
                None => print(&format!("silent   {alert}"))?,
            }
        }
        for failure in &self.failures {
            print(&format!("FAILED   {failure}"))?;
        }
        let Judged {
            accepted,
            refused,
            unanswered,
            revoked,
            complete,
            refused_after,
            wrong_allows,
            escaped,
        } = self.judged;
        print(&format!(
            "{} connects accepted, {refused} refused, {unanswered} without an answer; {revoked} \
             revoked, {complete} complete, {refused_after} refused afterwards; {wrong_allows} wrong \
             allows, {escaped} escaped; {:.0} s, seed {}",
            accepted,
            self.start.elapsed().as_secs_f64(),
            self.seed
        ))
    }

    pub(super) fn as_json(&self) -> Value {
        let held = self.held.iter().map(|(fault, took, ended)| {
            json!({"fault": fault, "seconds": tenths(*took), "ended_after_s": tenths(*ended)})
        });
        let skipped = self
            .skipped
            .iter()
            .map(|(fault, why)| json!({"fault": fault, "why": why}));
        let alerts = self
            .alerts
            .iter()
            .map(|(name, during)| json!({"alert": name, "fired_during": during}));
        json!({
            "ok": self.ok,
            "short": self.short,
            "seed": self.seed,
            "held": held.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
            "alerts": alerts.collect::<Vec<_>>(),
            "failures": self.failures,
            "judged": self.judged,
            "seconds": tenths(self.start.elapsed().as_secs_f64()),
        })
    }
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        let mut report = Report::new(true, 1);
        report.held("x", Duration::from_secs(1), Duration::from_secs(1));
        let judged = Judged {
            accepted: 9,
            refused: 5,
            revoked: 2,
            complete: 2,
            refused_after: 2,
            ..Judged::default()
        };
        report.judged(judged, &[]);
        report
    }

    #[test]
    fn a_run_without_a_wrong_allow_is_good_and_one_with_is_not() {
        assert!(good().conclude(false));
        let mut bad = good();
        bad.judged.wrong_allows = 1;
        assert!(!bad.conclude(false));
    }

    #[test]
    fn a_revoke_that_did_not_complete_or_was_not_seen_refused_is_a_failure() {
        let mut lost = good();
        lost.judged.complete = 1;
        assert!(!lost.conclude(false));
        let mut unseen = good();
        unseen.judged.refused_after = 1;
        assert!(!unseen.conclude(false));
    }

    #[test]
    fn only_a_whole_run_must_have_seen_every_alert() {
        let with_silent = || {
            let mut report = good();
            report.alerts = vec![("A".to_owned(), None)];
            report
        };
        assert!(with_silent().conclude(false) && !with_silent().conclude(true));
    }

    #[test]
    fn nothing_run_is_no_success() {
        assert!(!Report::new(true, 1).conclude(false));
    }
}
