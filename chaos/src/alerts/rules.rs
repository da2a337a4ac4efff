//! The shipped rules, and which of them have fired.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::FASTER;
use super::evaluate::{Moment, evaluate};
use super::expression::{self, Expression};
use super::history::{History, Labels};

/// What Prometheus loads too.
const SHIPPED: &str = include_str!("../../../docker/alerts.yml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(rename = "name")]
    _name: String,
    rules: Vec<Wire>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    alert: String,
    expr: String,
    #[serde(rename = "for")]
    pending: Option<String>,
    labels: HashMap<String, String>,
    annotations: HashMap<String, String>,
}

/// A rule and what was seen of it.
#[derive(Debug)]
struct Rule {
    name: String,
    expression: Expression,
    pending: Duration,
    /// Since when it holds, for each series.
    since: HashMap<Labels, Instant>,
    /// During which fault it fired first.
    fired: Option<String>,
}

/// All rules.
#[derive(Debug)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    /// The rules of `docker/alerts.yml`.
    pub(crate) fn shipped() -> anyhow::Result<Self> {
        Self::read(SHIPPED).context("docker/alerts.yml")
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let file: File = serde_saphyr::from_str(text).context("it is no rule file")?;
        let rules = file.groups.into_iter().flat_map(|group| group.rules);
        let rules = rules.map(|wire| Rule::read(&wire).with_context(|| wire.alert.clone()));
        Ok(Self(rules.collect::<anyhow::Result<_>>()?))
    }

    /// Evaluates all of them.
    pub(super) fn look(&mut self, history: &History, now: Instant, during: &str) {
        let moment = Moment {
            now,
            wall: SystemTime::now(),
            faster: FASTER,
        };
        for rule in &mut self.0 {
            rule.look(history, moment, during);
        }
    }

    /// What is pending does not outlive the stack that it was seen on.
    pub(super) fn begin_anew(&mut self) {
        for rule in &mut self.0 {
            rule.since.clear();
        }
    }

    /// Each rule, and during which fault it fired first.
    pub(crate) fn seen(&self) -> Vec<(String, Option<String>)> {
        let each = self.0.iter();
        each.map(|rule| (rule.name.clone(), rule.fired.clone()))
            .collect()
    }
}

impl Rule {
    fn read(wire: &Wire) -> anyhow::Result<Self> {
        let pending = wire.pending.as_deref().map(expression::duration);
        for (part, wanted) in [(&wire.labels, "severity"), (&wire.annotations, "summary")] {
            ensure!(part.contains_key(wanted), "it has no {wanted}");
        }
        ensure!(
            wire.annotations.contains_key("runbook"),
            "it does not say where its line of the runbook is"
        );
        Ok(Self {
            name: wire.alert.clone(),
            expression: expression::read(&wire.expr)?,
            pending: pending.transpose()?.unwrap_or_default(),
            since: HashMap::new(),
            fired: None,
        })
    }

    fn look(&mut self, history: &History, moment: Moment, during: &str) {
        let holding = evaluate(&self.expression, history, moment).series();
        let now: Vec<Labels> = holding.into_iter().map(|(labels, _)| labels).collect();
        self.since.retain(|labels, _| now.contains(labels));
        let pending = self.pending / moment.faster;
        for labels in now {
            let since = *self.since.entry(labels).or_insert(moment.now);
            if self.fired.is_none() && moment.now.saturating_duration_since(since) >= pending {
                self.fired = Some(during.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNBOOK: &str = include_str!("../../../docs/RUNBOOK.md");

    #[test]
    fn the_shipped_rules_are_read_and_each_has_its_line_in_the_runbook() {
        let rules = Rules::shipped().unwrap();
        assert!(rules.0.len() >= 8, "{} rules", rules.0.len());
        for rule in &rules.0 {
            let heading = format!("### {}\n", rule.name);
            assert!(RUNBOOK.contains(&heading), "{} has no runbook", rule.name);
        }
    }

    #[test]
    fn a_rule_fires_once_it_has_held_for_its_time_for_the_same_series() {
        let text = "
groups:
  - name: g
    rules:
      - alert: A
        expr: a > 1
        for: 1m
        labels: { severity: page }
        annotations: { summary: s, runbook: r }
";
        let mut rules = Rules::read(text).unwrap();
        let (mut history, start) = (History::default(), Instant::now());
        let pending = Duration::from_secs(60) / FASTER;
        let labels = |name: &str| Labels::from([("x".to_owned(), name.to_owned())]);
        history.add(start, "a", labels("1"), 2.0);
        rules.look(&history, start, "first");
        assert_eq!(rules.seen(), [("A".to_owned(), None)]);
        // Another series begins to hold, and the first one ends: the time begins anew.
        let later = start + pending;
        history.add(later, "a", labels("1"), 0.0);
        history.add(later, "a", labels("2"), 2.0);
        rules.look(&history, later, "second");
        assert_eq!(rules.seen(), [("A".to_owned(), None)]);
        let latest = later + pending;
        history.add(latest, "a", labels("2"), 2.0);
        rules.look(&history, latest, "third");
        assert_eq!(rules.seen(), [("A".to_owned(), Some("third".to_owned()))]);
    }

    #[test]
    fn a_rule_without_severity_summary_or_runbook_is_refused() {
        let rule = |labels: &str, annotations: &str| {
            format!(
                "groups: [{{name: g, rules: [{{alert: A, expr: a > 1, labels: {{{labels}}}, \
                 annotations: {{{annotations}}}}}]}}]"
            )
        };
        assert!(Rules::read(&rule("severity: page", "summary: s, runbook: r")).is_ok());
        for (labels, annotations) in [
            ("", "summary: s, runbook: r"),
            ("severity: page", "runbook: r"),
            ("severity: page", "summary: s"),
        ] {
            assert!(Rules::read(&rule(labels, annotations)).is_err());
        }
    }
}
