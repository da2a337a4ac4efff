//! Which foreign crate a module may name: the arrows inside the two services (design section 2).

use super::Violation;
use super::tree::Tree;

/// A folder-or-file prefix, what it must not name, and why.
const BANNED: &[(&str, &[&str], &str)] = &[
    (
        "hook-service/src/endpoints",
        &["tokio_postgres"],
        "no hook request waits for anything outside the process (invariant 1)",
    ),
    (
        "hook-service/src/decide",
        &["tokio_postgres", "axum"],
        "decisions are pure: they read the fleet table and nothing else",
    ),
    (
        "hook-service/src/feed",
        &["axum"],
        "the feed knows the database, never HTTP",
    ),
    (
        "api-service/src/store",
        &["axum"],
        "the store knows the database, never HTTP",
    ),
    (
        "api-service/src/domain",
        &["axum", "tokio_postgres", "deadpool_postgres"],
        "rules of the domain know neither HTTP nor the database",
    ),
];

pub(super) fn inside_rooms(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (place, names, why) in BANNED {
        for file in tree.rust().filter(|file| belongs(&file.path, place)) {
            for (line, code) in file.code_lines() {
                for name in names.iter().filter(|name| is_named(code, name)) {
                    let text = format!("names {name}, but {why}");
                    found.push(Violation::at(&file.path, line, text));
                }
            }
        }
    }
    found
}

/// `place.rs`, or anything below `place/`.
pub(super) fn belongs(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Whether `name` stands in `code` as a word of its own.
fn is_named(code: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        let after = code[start + name.len()..].chars().next();
        !before.is_some_and(word) && !after.is_some_and(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_that_reaches_for_the_database_is_found() {
        let tree = Tree::of(&[
            (
                "hook-service/src/decide/device.rs",
                "//! Pure.\nuse tokio_postgres::Client;\n",
            ),
            (
                "hook-service/src/feed/load.rs",
                "//! Fine.\nuse tokio_postgres::Client;\n",
            ),
        ]);
        let found = inside_rooms(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].path.as_str(), found[0].line),
            ("hook-service/src/decide/device.rs", 2)
        );
    }

    #[test]
    fn the_module_file_beside_its_folder_is_held_too() {
        let tree = Tree::of(&[("api-service/src/store.rs", "use axum::Json;\n")]);
        assert_eq!(inside_rooms(&tree).len(), 1);
    }

    #[test]
    fn comments_and_longer_words_are_no_names() {
        let tree = Tree::of(&[(
            "api-service/src/domain/device.rs",
            "//! Never names axum.\nlet axum_like = 1;\nlet storefront = 2;\n",
        )]);
        assert_eq!(inside_rooms(&tree), []);
        assert!(!belongs(
            "api-service/src/storefront.rs",
            "api-service/src/store"
        ));
    }
}
