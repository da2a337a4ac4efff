//! The report for people: the worst first, each with what was seen, why it matters and the mend.

use std::fmt::Write as _;

use super::Report;
use crate::doctor::finding::Severity;

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for found in &report.findings {
        let rule = found.rule;
        let _ = writeln!(text, "{}: {} [{}]", rule.severity, found.seen, rule.code);
        let _ = writeln!(text, "  where   {}", found.subject);
        let _ = writeln!(text, "  why     {}", rule.why);
        let _ = writeln!(text, "  source  {}", rule.source);
        let _ = writeln!(text, "  mend    {}\n", rule.mend);
    }
    for name in &report.looked_at {
        let _ = writeln!(text, "looked at {name}");
    }
    let _ = writeln!(
        text,
        "{} errors, {} warnings, {} notes",
        report.count(Severity::Error),
        report.count(Severity::Warning),
        report.count(Severity::Note),
    );
    text
}
