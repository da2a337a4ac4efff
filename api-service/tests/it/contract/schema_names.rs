//! Every schema of the document has a name of its own: of two with one name the document keeps one, and
//! lies about every place of the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

#[test]
fn no_two_schemas_have_one_name() {
    let schema =
        Regex::new(r"(?s)derive\([^)]*\bToSchema\)\](.*?)\b(?:struct|enum) (\w+)").unwrap();
    let renamed = Regex::new(r"\bas = (\w+)").unwrap();
    let mut places: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for found in schema.captures_iter(&text) {
            let name = renamed.captures(&found[1]);
            let name = name.map_or(&found[2], |name| name.extract::<1>().1[0]);
            places
                .entry(name.to_owned())
                .or_default()
                .push(file.clone());
        }
    }
    assert!(places.len() > 100, "{}", places.len());
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
