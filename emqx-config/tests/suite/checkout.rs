//! The files around this crate: deployment files, and the settings that the programs read.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .parent()
        .expect("the crate lies in the checkout")
        .to_owned()
}

pub(crate) fn text(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All documents of a YAML file.
pub(crate) fn yaml(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below `folder` whose name ends so.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .expect("a folder of the checkout")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Crates that read settings, with the prefix of each.
pub(crate) const PROGRAMS: &[(&str, &str)] = &[
    ("hook-service", "HOOK_"),
    ("api-service", "API_"),
    ("schema", "SCHEMA_"),
];

/// The settings that the programs read.
pub(crate) struct Known {
    /// Every string literal of the sources that looks like a setting. One that is read by `Settings::secret` may also be given as
    /// the name of a file, so its name with `_FILE` is here too.
    pub(crate) all: BTreeSet<String>,
    /// Those without which a program does not start.
    pub(crate) required: BTreeSet<String>,
}

/// Required only when `HOOK_TLS_CERT_FILE` is set.
const TOGETHER_WITH_ANOTHER: &[&str] = &["HOOK_TLS_KEY_FILE", "HOOK_TLS_CLIENT_CA_FILE"];

pub(crate) fn settings() -> Known {
    let mut known = Known {
        all: BTreeSet::new(),
        required: BTreeSet::new(),
    };
    for (program, prefix) in PROGRAMS {
        for path in files(&format!("{program}/src"), ".rs") {
            let source = fs::read_to_string(&path).expect("a source file");
            let dense: String = source.chars().filter(|c| !c.is_whitespace()).collect();
            let read_by = |call: &str, name: &str| dense.contains(&format!("{call}(\"{name}\""));
            for literal in source.split('"').filter(|piece| piece.starts_with(prefix)) {
                let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                if literal.len() == prefix.len() || !literal.chars().all(plain) {
                    continue;
                }
                known.all.insert(literal.to_owned());
                if read_by("secret", literal) {
                    known.all.insert(format!("{literal}_FILE"));
                }
                // `file` is api-service's closure around `required`.
                let needed = read_by("required", literal) || read_by("file", literal);
                if needed && !TOGETHER_WITH_ANOTHER.contains(&literal) {
                    known.required.insert(literal.to_owned());
                }
            }
        }
    }
    known
}

/// Whether a variable is one of our settings.
pub(crate) fn is_ours(name: &str) -> bool {
    PROGRAMS.iter().any(|(_, prefix)| name.starts_with(prefix))
}

/// Whether a variable's name says that its value is a secret.
pub(crate) fn names_a_secret(name: &str) -> bool {
    let words = ["PASSWORD", "SECRET", "COOKIE", "BROKER_KEY"];
    words.iter().any(|word| name.contains(word)) && !name.ends_with("_FILE")
}
