//! The report for machines. Programs compare `code` and `severity`; other texts may change.

use serde_json::json;

use super::Report;
use crate::doctor::finding::Severity;

pub(super) fn render(report: &Report) -> String {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|found| {
            json!({
                "code": found.rule.code,
                "severity": found.rule.severity.as_str(),
                "subject": found.subject,
                "seen": found.seen,
                "why": found.rule.why,
                "source": found.rule.source,
                "mend": found.rule.mend,
            })
        })
        .collect();
    let report = json!({
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
        "lookedAt": report.looked_at,
        "findings": findings,
    });
    format!("{report}\n")
}
