//! Where SQL may stand: in `store/` of the API, in `feed` of the hooks, and in `schema`.
//!
//! One look at those tells everything that is ever asked of the database.

use super::Violation;
use super::names::belongs;
use super::tree::Tree;

/// Rooms that this rule holds for. Tools and doubles speak SQL only to set a database up.
const ROOMS: &[&str] = &[
    "hook-service/src/",
    "api-service/src/",
    "tokens/src/",
    "service-kit/src/",
];

/// Where SQL belongs.
const PLACES: &[&str] = &["hook-service/src/feed", "api-service/src/store"];

/// Beginnings of statements, in the capitals that our SQL is written in.
const STATEMENTS: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "COPY ",
    "LISTEN ",
    "NOTIFY ",
    "CREATE TABLE",
    "ALTER TABLE",
    "BEGIN ISOLATION",
];

pub(super) fn in_its_places(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let held = |path: &str| {
        ROOMS.iter().any(|room| path.starts_with(room))
            && !PLACES.iter().any(|place| belongs(path, place))
    };
    for file in tree
        .rust()
        .filter(|file| held(&file.path) && !file.is_test())
    {
        for (line, code) in file.code_lines() {
            // Tests at the end of a file set up and look at databases as they please.
            if code.trim() == "#[cfg(test)]" {
                break;
            }
            if let Some(statement) = STATEMENTS.iter().find(|words| begins(code, words)) {
                let text = format!("`{}` outside {}", statement.trim(), PLACES.join(" and "));
                found.push(Violation::at(&file.path, line, text));
            }
        }
    }
    found
}

/// Whether the statement opens a string literal or a line of a longer one.
fn begins(code: &str, statement: &str) -> bool {
    code.trim_start().starts_with(statement)
        || code
            .match_indices(statement)
            .any(|(at, _)| code[..at].ends_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_in_a_handler_is_found() {
        let tree = Tree::of(&[
            (
                "api-service/src/queries/device.rs",
                "let q = \"SELECT 1\";\n",
            ),
            (
                "api-service/src/commands/revoke.rs",
                "let q = \"\n    UPDATE device SET x = 1\";\n",
            ),
            ("api-service/src/store/device.rs", "let q = \"SELECT 1\";\n"),
            ("hook-service/src/feed.rs", "let q = \"LISTEN x\";\n"),
            ("schema/src/lib.rs", "let q = \"SELECT 1\";\n"),
        ]);
        let found: Vec<_> = in_its_places(&tree)
            .into_iter()
            .map(|v| (v.path, v.line))
            .collect();
        let expected = [
            ("api-service/src/queries/device.rs", 1),
            ("api-service/src/commands/revoke.rs", 2),
        ];
        assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
    }

    #[test]
    fn words_of_people_and_tests_are_not_queries() {
        let tree = Tree::of(&[
            (
                "api-service/src/a.rs",
                "//! SELECT in prose.\nlet LISTEN_ADDRESS = 1;\n",
            ),
            (
                "api-service/src/b.rs",
                "#[cfg(test)]\nmod tests {\n let q = \"SELECT 1\";\n}\n",
            ),
            ("hook-service/src/x/tests.rs", "let q = \"SELECT 1\";\n"),
        ]);
        assert_eq!(in_its_places(&tree), []);
    }
}
