//! What `docs/API.md` says of the contract is so: the paths that stand for the earlier product's are in
//! the document, and the tests that attacks are said to meet exist.

use std::collections::BTreeSet;
use std::path::Path;

use super::reader::{document, operations};

const PAGE: &str = include_str!("../../../../docs/API.md");

/// The rows of the table under a heading, as cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_path_that_stands_for_an_earlier_one_exists() {
    let known: BTreeSet<String> = operations(&document())
        .iter()
        .map(|each| each.name())
        .collect();
    let rows = rows("From the earlier product");
    assert!(rows.len() > 60, "{}", rows.len());
    for row in rows {
        let [earlier, here] = row[..] else {
            panic!("{row:?}");
        };
        let ours: Vec<&str> = quoted(here)
            .into_iter()
            .filter(|text| text.contains(" /"))
            .collect();
        assert!(!quoted(earlier).is_empty(), "{earlier}");
        assert!(
            here.starts_with("gone") || !ours.is_empty(),
            "{earlier}: {here}"
        );
        for path in ours {
            assert!(known.contains(path), "{earlier}: there is no {path}");
        }
    }
}

#[test]
fn every_attack_has_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut tests = BTreeSet::new();
    for room in std::fs::read_dir(root).unwrap().flatten() {
        for folder in ["src", "tests"] {
            collect(&room.path().join(folder), &mut tests);
        }
    }
    let rows = rows("Attacks that are tried");
    assert_eq!(rows.len(), 16);
    for (number, row) in rows.iter().enumerate() {
        let [named, attack, by] = row[..] else {
            panic!("{row:?}");
        };
        assert_eq!(named, (number + 1).to_string());
        let by = quoted(by);
        assert!(!by.is_empty(), "nothing tries: {attack}");
        for test in by {
            assert!(tests.contains(test), "{attack}: there is no test {test}");
        }
    }
}

/// The names of all functions below a folder that are marked as tests.
fn collect(folder: &Path, into: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let after = text
                .split("#[test]")
                .skip(1)
                .chain(text.split("#[tokio::test").skip(1));
            into.extend(after.filter_map(|rest| {
                let (_, rest) = rest.split_once("fn ")?;
                Some(rest.split('(').next()?.to_owned())
            }));
        }
    }
}
