//! What a run found, for people and for machines.

use std::process::ExitCode;

use super::facts::Facts;
use super::finding::{Finding, Severity};

mod json;
mod table;
mod text;

pub(crate) use table::markdown;

/// The findings of a run and what it looked at.
pub(crate) struct Report {
    findings: Vec<Finding>,
    looked_at: Vec<String>,
}

impl Report {
    pub(super) fn new(facts: &Facts, findings: Vec<Finding>) -> Self {
        Self {
            findings,
            looked_at: looked_at(facts),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        text::render(self)
    }

    /// For machines, one object with a line feed at its end.
    pub(crate) fn json(&self) -> String {
        json::render(self)
    }

    /// 0 without errors and warnings, 1 with warnings, 2 with errors.
    pub(crate) fn exit(&self) -> ExitCode {
        match self.worst() {
            Some(Severity::Error) => ExitCode::from(2),
            Some(Severity::Warning) => ExitCode::from(1),
            Some(Severity::Note) | None => ExitCode::SUCCESS,
        }
    }

    fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|found| found.rule.severity).max()
    }

    fn count(&self, severity: Severity) -> usize {
        let of = |found: &&Finding| found.rule.severity == severity;
        self.findings.iter().filter(of).count()
    }
}

fn looked_at(facts: &Facts) -> Vec<String> {
    let brokers = facts.brokers.iter().map(|broker| match broker.version {
        Some(version) => format!("{} (EMQX {version})", broker.name),
        None => broker.name.clone(),
    });
    let databases = facts.databases.iter().map(super::facts::Database::name);
    let replicas = facts.replicas.iter();
    let replicas = replicas.map(|replica| format!("hook-service {}", replica.address));
    let listeners = facts.listeners.iter();
    let listeners = listeners.map(|listener| format!("listener {}", listener.address));
    let files = facts.certificates.iter().map(|seen| seen.place.clone());
    let mut all: Vec<String> = brokers
        .chain(databases)
        .chain(replicas)
        .chain(listeners)
        .chain(files)
        .collect();
    let mut known = std::collections::BTreeSet::new();
    all.retain(|name| known.insert(name.clone()));
    all
}
