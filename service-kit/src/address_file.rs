//! Where a process listens, told in a file: so that ports may be 0 and nobody parses logs.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

/// Writes the addresses as one JSON object. The file appears whole or not at all (it is written
/// beside its place and renamed), so a reader may wait for it to exist.
pub fn write(path: &Path, addresses: &impl Serialize) -> std::io::Result<()> {
    let beside = path.with_extension("partial");
    let mut file = std::fs::File::create(&beside)?;
    serde_json::to_writer(&mut file, addresses)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_holds_one_json_object_and_replaces_an_older_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("addresses.json");
        super::write(&path, &serde_json::json!({"a": 1})).unwrap();
        super::write(&path, &serde_json::json!({"a": 2})).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":2}\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
