//! The few lines of a `Cargo.toml` that rules need: its package and what it depends on.
//!
//! Not a TOML parser: our manifests have one dependency per line, and cargo itself refuses a
//! malformed one before this is read.

/// A dependency line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// For tests and benches only, or behind a feature that only tests switch on.
    pub(super) dev: bool,
    /// Asks for the feature `testing` of one of our crates.
    pub(super) testing: bool,
}

/// The name of the package; `None` in a workspace-only manifest.
pub(super) fn package(text: &str) -> Option<String> {
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[package]"
            && let Some(value) = line.strip_prefix("name")
        {
            return Some(value.trim_matches([' ', '=', '"']).to_owned());
        }
    }
    None
}

/// All dependencies: normal, build and dev.
pub(super) fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut dev = None;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        let line_number = index + 1;
        if let Some(section) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            // `[dependencies.name]` is the long form of one dependency.
            let (kind, name) = match section.rsplit_once("dependencies") {
                Some((before, after)) => (Some(before.ends_with("dev-")), after.strip_prefix('.')),
                None => (None, None),
            };
            dev = kind.filter(|_| name.is_none() && !section.starts_with("workspace"));
            if let (Some(dev), Some(name)) = (kind, name) {
                found.push(Dependency {
                    name: name.to_owned(),
                    line: line_number,
                    dev,
                    testing: false,
                });
            }
        } else if let Some(dev) = dev
            && !line.starts_with('#')
            && let Some(end) = line.find(['.', '=', ' '])
        {
            found.push(Dependency {
                name: line[..end].to_owned(),
                line: line_number,
                dev: dev || line.contains("optional = true"),
                testing: line.contains("\"testing\""),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\nversion.workspace = true\n\n\
        [dependencies]\nserde.workspace = true\n# note = 1\nhyper = { workspace = true }\n\n\
        [dev-dependencies]\ntempfile = \"3\"\n\n[dependencies.schema]\npath = \"../schema\"\n\n\
        [features]\nx = []\n";

    #[test]
    fn dependencies_are_listed_in_every_form() {
        let names: Vec<_> = dependencies(MANIFEST)
            .into_iter()
            .map(|d| (d.name, d.dev))
            .collect();
        let expected = [
            ("serde", false),
            ("hyper", false),
            ("tempfile", true),
            ("schema", false),
        ];
        assert_eq!(names, expected.map(|(name, dev)| (name.to_owned(), dev)));
    }

    #[test]
    fn what_only_tests_switch_on_is_for_tests() {
        let text = "[dependencies]\ndev-postgres = { workspace = true, optional = true }\n\
                    schema = { workspace = true, features = [\"testing\"] }\n";
        let found = dependencies(text);
        assert!(found[0].dev && !found[0].testing);
        assert!(!found[1].dev && found[1].testing);
    }

    #[test]
    fn the_package_has_a_name_and_a_workspace_has_none() {
        assert_eq!(package(MANIFEST).unwrap(), "a");
        assert_eq!(package("[workspace]\nmembers = [\"a\"]\n"), None);
    }

    #[test]
    fn shared_versions_of_the_workspace_are_not_dependencies() {
        assert_eq!(
            dependencies("[workspace.dependencies]\nserde = \"1\"\n"),
            []
        );
    }
}
