//! A scratch copy of what git tracks or would track.

use std::path::Path;

use anyhow::Context;

use crate::tidy::tree;

/// Makes `to` equal to the tree at `from`. Files that did not change are not written again, so
/// that cargo builds only what did.
pub(super) fn tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    let paths = tree::list(from)?;
    let mut kept = std::collections::HashSet::new();
    for path in &paths {
        let (source, target) = (from.join(path), to.join(path));
        let Ok(bytes) = std::fs::read(&source) else {
            continue; // tracked, but deleted or not a file
        };
        kept.insert(target.clone());
        if std::fs::read(&target).is_ok_and(|present| present == bytes) {
            continue;
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&target, bytes).with_context(|| format!("writing {}", target.display()))?;
    }
    remove_others(to, &kept)
}

fn remove_others(
    folder: &Path,
    kept: &std::collections::HashSet<std::path::PathBuf>,
) -> anyhow::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, kept)?;
        } else if !kept.contains(&path) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_its_source() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let git = std::process::Command::new("git")
            .arg("init")
            .arg("-q")
            .current_dir(from.path())
            .status();
        assert!(git.unwrap().success());
        std::fs::create_dir(from.path().join("src")).unwrap();
        std::fs::write(from.path().join("src/a.rs"), "a").unwrap();
        std::fs::write(to.path().join("stale.rs"), "x").unwrap();
        tree(from.path(), to.path()).unwrap();
        assert_eq!(
            std::fs::read_to_string(to.path().join("src/a.rs")).unwrap(),
            "a"
        );
        assert!(!to.path().join("stale.rs").exists());
    }
}
