//! The front pages keep up with the tree.

use super::Violation;
use super::manifest::package;
use super::tree::Tree;

/// What each front page tells: the README what a newcomer types, the changelog what an operator
/// has to do.
const WORDS: &[(&str, &[&str])] = &[
    (
        "README.md",
        &[
            "cargo xtask up",
            "cargo xtask up --demo",
            "cargo xtask test",
            "cargo xtask lint",
            "cargo xtask sabotage",
        ],
    ),
    ("CHANGELOG.md", &["## Unreleased", "### Operators must"]),
];

/// The page with the bird's eye view.
const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

pub(super) fn front_pages_say_it(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (page, words) in WORDS {
        let Some(file) = tree.find(page) else {
            found.push(Violation::of(page, "is missing"));
            continue;
        };
        for word in words.iter().filter(|word| !file.text.contains(**word)) {
            found.push(Violation::of(page, format!("does not say `{word}`")));
        }
    }
    found
}

pub(super) fn rooms_are_named(tree: &Tree) -> Vec<Violation> {
    let Some(page) = tree.find(ARCHITECTURE) else {
        return vec![Violation::of(ARCHITECTURE, "is missing")];
    };
    let rooms = tree
        .files
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && !file.path.contains("fuzz"));
    rooms
        .filter_map(|file| package(&file.text))
        .filter(|room| !page.text.contains(room.as_str()))
        .map(|room| Violation::of(ARCHITECTURE, format!("does not say what `{room}` is for")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_page_and_a_missing_command_are_found() {
        let tree = Tree::of(&[(
            "README.md",
            "Run `cargo xtask up --demo`, `cargo xtask lint`, `cargo xtask sabotage`.",
        )]);
        let found: Vec<_> = front_pages_say_it(&tree)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "README.md: does not say `cargo xtask test`",
                "CHANGELOG.md: is missing"
            ]
        );
    }

    #[test]
    fn a_room_that_nobody_explains_is_found() {
        let tree = Tree::of(&[
            ("docs/ARCHITECTURE.md", "`schema` holds the migrations."),
            ("schema/Cargo.toml", "[package]\nname = \"schema\"\n"),
            ("attic/Cargo.toml", "[package]\nname = \"attic\"\n"),
        ]);
        assert_eq!(rooms_are_named(&tree).len(), 1);
    }
}
