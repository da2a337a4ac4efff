//! The front pages keep up with the tree.

use super::Violation;
use super::manifest::package;
use super::tree::Tree;

/// What a newcomer types; each front page tells it.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "README.md",
        &[
            "cargo xtask up",
            "cargo xtask up --demo",
            "cargo xtask test",
            "cargo xtask lint",
        ],
    ),
    ("CHANGELOG.md", &["cargo xtask up", "cargo xtask test"]),
];

/// The page with the bird's eye view.
const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

pub(super) fn commands_are_named(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (page, commands) in COMMANDS {
        let Some(file) = tree.find(page) else {
            found.push(Violation::of(page, "is missing"));
            continue;
        };
        for command in commands
            .iter()
            .filter(|command| !file.text.contains(**command))
        {
            found.push(Violation::of(page, format!("does not mention `{command}`")));
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
            "Run `cargo xtask up --demo`, `cargo xtask lint`.",
        )]);
        let found: Vec<_> = commands_are_named(&tree)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "README.md: does not mention `cargo xtask test`",
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
