//! `cargo xtask tidy`: rules of the tree that no compiler knows, each with its reason.
//!
//! A rule is a pure function from the tracked files to violations, so its tests can seed one and
//! see it found. `cargo test -p xtask` runs all rules on the real tree as well.

mod arrows;
mod docs;
mod manifest;
mod names;
mod paths;
mod private_keys;
mod shape;
mod sql;
pub(crate) mod tree;

use std::fmt::{self, Write};
use std::path::Path;

use anyhow::bail;

use crate::checkout::Checkout;
use crate::console::Console;
use crate::tidy::tree::Tree;

/// A rule: its name and the function that looks for what breaks it.
pub(crate) type Rule = (&'static str, fn(&Tree) -> Vec<Violation>);

/// All rules.
pub(crate) const RULES: &[Rule] = &[
    ("files are short", shape::short),
    ("no mod.rs", shape::no_mod_rs),
    ("modules say what they are", shape::opens_with_a_sentence),
    ("rooms depend along the arrows", arrows::between_rooms),
    ("modules name what they may", names::inside_rooms),
    ("SQL has its places", sql::in_its_places),
    ("no machine's paths", paths::no_machine),
    ("no private keys", private_keys::none),
    (
        "the front pages name the commands",
        docs::front_pages_say_it,
    ),
    (
        "the architecture page names every room",
        docs::rooms_are_named,
    ),
];

/// One thing that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The file, relative to the root.
    pub(crate) path: String,
    /// Counted from 1; 0 when the whole file is meant.
    pub(crate) line: usize,
    /// What is wrong and what to do about it.
    pub(crate) text: String,
}

impl Violation {
    pub(crate) fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            text: text.into(),
        }
    }

    pub(crate) fn of(path: &str, text: impl Into<String>) -> Self {
        Self::at(path, 0, text)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Runs all rules on the checkout at `root`.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Violation>> {
    let tree = Tree::tracked(root)?;
    Ok(RULES.iter().flat_map(|(_, rule)| rule(&tree)).collect())
}

/// One violation per line.
pub(crate) fn list(violations: &[Violation]) -> String {
    let mut text = String::new();
    for violation in violations {
        let _ = writeln!(text, "{violation}");
    }
    text
}

pub(crate) fn run(checkout: &Checkout, console: &Console) -> anyhow::Result<()> {
    let violations = check(checkout.root())?;
    if violations.is_empty() {
        console.say(format!("tidy: {} rules hold", RULES.len()));
        return Ok(());
    }
    console.say(format!("tidy found:\n{}", list(&violations)));
    bail!("tidy found {} violations", violations.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_checkout_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let violations = check(root).unwrap();
        assert!(violations.is_empty(), "\n{}", list(&violations));
    }

    #[test]
    fn a_violation_names_its_place() {
        assert_eq!(Violation::at("a.rs", 3, "no").to_string(), "a.rs:3: no");
        assert_eq!(Violation::of("a.rs", "no").to_string(), "a.rs: no");
    }
}
