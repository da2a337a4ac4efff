//! How a source file looks: short, in `foo.rs` + `foo/` form, and opening with a sentence.

use super::Violation;
use super::tree::Tree;

/// Longest source file, in lines. A file that needs more holds two things.
const LINES_MAX: usize = 500;

pub(super) fn short(tree: &Tree) -> Vec<Violation> {
    let long = tree.rust().filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > LINES_MAX).then(|| {
            Violation::of(
                &file.path,
                format!("{lines} lines, at most {LINES_MAX}: split it by verb"),
            )
        })
    });
    long.collect()
}

pub(super) fn no_mod_rs(tree: &Tree) -> Vec<Violation> {
    let named = tree.rust().filter(|file| file.name() == "mod.rs");
    named
        .map(|file| {
            Violation::of(
                &file.path,
                "name it after its folder, beside it: foo.rs + foo/",
            )
        })
        .collect()
}

/// A module is read from its first line, so that line says what it is. Tests kept beside a module
/// (`foo/tests.rs`) need none: they are the tests of `foo`.
pub(super) fn opens_with_a_sentence(tree: &Tree) -> Vec<Violation> {
    let silent = tree
        .rust()
        .filter(|file| file.name() != "tests.rs")
        .filter(|file| {
            let mut lines = file
                .text
                .lines()
                .filter(|line| !line.trim().is_empty() && !line.starts_with("#!["));
            !lines
                .next()
                .is_some_and(|line| line.starts_with("//! ") && line.len() > 8)
        });
    let text = "open with `//!`: what this module is and what it never does";
    silent
        .map(|file| Violation::at(&file.path, 1, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_501_lines_is_found_and_one_of_500_is_not() {
        let tree = Tree::of(&[("a.rs", &"x\n".repeat(501)), ("b.rs", &"x\n".repeat(500))]);
        let found = short(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].path == "a.rs" && found[0].text.starts_with("501 lines"));
    }

    #[test]
    fn a_mod_rs_is_found() {
        let tree = Tree::of(&[
            ("a/src/b/mod.rs", "//! Text."),
            ("a/src/model.rs", "//! Text."),
        ]);
        assert_eq!(no_mod_rs(&tree)[0].path, "a/src/b/mod.rs");
        assert_eq!(no_mod_rs(&tree).len(), 1);
    }

    #[test]
    fn a_module_without_a_sentence_is_found() {
        let tree = Tree::of(&[
            ("good.rs", "//! What it is.\n"),
            ("fuzz.rs", "#![no_main]\n//! What it is.\n"),
            ("silent.rs", "use std::fmt;\n"),
            ("empty.rs", "//!\n"),
        ]);
        let found: Vec<_> = opens_with_a_sentence(&tree)
            .into_iter()
            .map(|v| v.path)
            .collect();
        assert_eq!(found, ["silent.rs", "empty.rs"]);
    }
}
