//! Which room may depend on which: design section 2.
//!
//! The services share only the database and `schema`; what tests a service shares no code with it.

use super::Violation;
use super::manifest::{dependencies, package};
use super::tree::Tree;

/// A room, and the rooms that its own code may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("schema", &[]),
    ("certs", &[]),
    ("tokens", &[]),
    ("service-kit", &[]),
    ("lease", &[]),
    ("emqx-config", &[]),
    ("dev-postgres", &[]),
    ("dev-issuer", &[]),
    ("dev-broker", &["emqx-config"]),
    ("fault-proxy", &[]),
    ("chaos", &["fault-proxy", "dev-postgres", "certs"]),
    (
        "hook-service",
        &["schema", "certs", "tokens", "service-kit", "lease"],
    ),
    (
        "api-service",
        &[
            "schema",
            "certs",
            "tokens",
            "service-kit",
            "lease",
            // The doctor reads files for EMQX.
            "emqx-config",
        ],
    ),
    ("device-simulator", &["certs"]),
    (
        "benches",
        &[
            "hook-service",
            "schema",
            "certs",
            "tokens",
            "emqx-config",
            "dev-issuer",
            "chaos",
            "fault-proxy",
        ],
    ),
    ("xtask", &[]),
];

/// What tests of any room may use besides: doubles and fixtures, and leaves.
const FOR_TESTS: &[&str] = &[
    "dev-postgres",
    "dev-issuer",
    "dev-broker",
    "emqx-config",
    "certs",
    "schema",
    "service-kit",
    "fault-proxy",
];

/// Rooms whose tests compare themselves with the hooks, and so may use them.
const COMPARED_WITH_HOOKS: &[&str] = &["emqx-config", "dev-broker"];

/// Rooms that judge from outside: their tests may use nothing of ours either.
const OUTSIDERS: &[&str] = &["xtask", "device-simulator"];

pub(super) fn between_rooms(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        let Some(room) = package(&file.text) else {
            continue;
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            // A fuzz crate lives in its room's folder and depends on that room.
            if !file.path.contains("fuzz/") {
                let text = format!("room {room} has no line in xtask's table of arrows: add it");
                found.push(Violation::of(&file.path, text));
            }
            continue;
        };
        for dependency in dependencies(&file.text) {
            let ours = ARROWS.iter().any(|(name, _)| *name == dependency.name);
            let normally = allowed.contains(&dependency.name.as_str());
            if dependency.testing && !dependency.dev {
                let text = format!(
                    "the feature `testing` of {} is for tests only",
                    dependency.name
                );
                found.push(Violation::at(&file.path, dependency.line, text));
            }
            // A crate may name itself, to switch a feature on in its own tests.
            let ours = ours && dependency.name != room;
            if ours && !normally && !(dependency.dev && in_tests(&room, &dependency.name)) {
                let text = format!(
                    "{room} may not depend on {} (design section 2)",
                    dependency.name
                );
                found.push(Violation::at(&file.path, dependency.line, text));
            }
        }
    }
    found
}

fn in_tests(room: &str, dependency: &str) -> bool {
    if OUTSIDERS.contains(&room) {
        return false;
    }
    FOR_TESTS.contains(&dependency)
        || (dependency == "hook-service" && COMPARED_WITH_HOOKS.contains(&room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(room: &str, section: &str, dependency: &str) -> Tree {
        let text =
            format!("[package]\nname = \"{room}\"\n[{section}]\n{dependency}.workspace = true\n");
        Tree::of(&[("room/Cargo.toml", &text)])
    }

    #[test]
    fn a_leaf_that_imports_a_service_is_found() {
        let found = between_rooms(&manifest("schema", "dependencies", "hook-service"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 4);
    }

    #[test]
    fn one_service_never_imports_the_other_even_in_tests() {
        for section in ["dependencies", "dev-dependencies"] {
            let found = between_rooms(&manifest("api-service", section, "hook-service"));
            assert_eq!(found.len(), 1, "{section}");
        }
    }

    #[test]
    fn allowed_arrows_and_foreign_crates_are_not_found() {
        for (room, section, dependency) in [
            ("hook-service", "dependencies", "schema"),
            ("hook-service", "dev-dependencies", "dev-postgres"),
            ("device-simulator", "dependencies", "certs"),
            ("schema", "dependencies", "tokio"),
        ] {
            assert_eq!(between_rooms(&manifest(room, section, dependency)), []);
        }
    }

    #[test]
    fn outsiders_use_nothing_of_ours_in_tests_either() {
        let found = between_rooms(&manifest("xtask", "dev-dependencies", "dev-postgres"));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_room_that_the_table_lacks_is_found() {
        let found = between_rooms(&manifest("attic", "dependencies", "serde"));
        assert!(found[0].text.contains("no line in xtask's table"));
    }
}
