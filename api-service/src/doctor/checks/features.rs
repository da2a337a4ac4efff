//! Features that go past the hooks.

use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&DELAYED, &REWRITE, &FILES, &DOOR];

pub(super) static DELAYED: Rule = Rule {
    code: "emqx_delayed",
    severity: Severity::Error,
    why: "a delayed publish outlives the revocation of its sender and appears later",
    source: "5.8.9 loaded; on by default",
    mend: "delayed.enable = false",
};

pub(super) static REWRITE: Rule = Rule {
    code: "emqx_rewrite",
    severity: Severity::Error,
    why: "rights are checked on the topic before it is rewritten, so a rule moves a message past them",
    source: "5.3.0 and 5.8.9 read",
    mend: "rewrite = []",
};

pub(super) static FILES: Rule = Rule {
    code: "emqx_file_transfer",
    severity: Severity::Warning,
    why: "topics under `$file/` accept uploads",
    source: "5.3.0 and 5.8.9 read",
    mend: "file_transfer.enable = false",
};

pub(super) static DOOR: Rule = Rule {
    code: "emqx_side_door",
    severity: Severity::Error,
    why: "clients come in, or messages pass, without the hooks being asked, or somebody else decides beside them",
    source: "5.8.9 and 6.3 read",
    mend: "remove or disable it",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for broker in &facts.brokers {
        let (name, conf) = (&broker.name, &broker.conf);
        if conf.delayed != Some(false) {
            found.push(DELAYED.at(name, "delayed.enable is not false"));
        }
        if conf.rewrite_rules > 0 {
            found.push(REWRITE.at(name, format!("rewrite has {} rules", conf.rewrite_rules)));
        }
        if conf.file_transfer == Some(true) {
            found.push(FILES.at(name, "file_transfer.enable = true"));
        }
        for door in &conf.side_doors {
            found.push(DOOR.at(name, format!("{door} is enabled")));
        }
    }
    found
}
