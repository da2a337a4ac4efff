//! The README says of each safety setting why it is there, and names nothing that is gone.

use crate::safety::RULES;
use std::collections::BTreeSet;

const README: &str = include_str!("../../README.md");

fn table() -> Vec<Vec<&'static str>> {
    let section = README
        .split("\n## ")
        .find(|part| part.starts_with("Settings that safety rests on"));
    let rows = section
        .expect("the section")
        .lines()
        .filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn each_safety_setting_has_its_line_and_each_line_its_setting() {
    let named: BTreeSet<_> = table().iter().map(|row| row[0].trim_matches('`')).collect();
    let held: BTreeSet<_> = RULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(held.len(), RULES.len(), "a rule is there twice");
    assert_eq!(named, held);
}

#[test]
fn each_line_has_its_reason_its_consequence_and_its_evidence() {
    for row in table() {
        let [_, why, without, evidence] = row.as_slice() else {
            panic!("four columns: {row:?}")
        };
        assert!(why.len() > 5 && without.len() > 5, "{row:?}");
        let words = ["seen", "loaded", "read"];
        assert!(words.iter().any(|word| evidence.contains(word)), "{row:?}");
    }
}
