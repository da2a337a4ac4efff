//! One text patch that fits exactly once, and its undoing.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A patch that is in place.
#[derive(Debug)]
#[must_use = "the scratch copy serves the next sabotage too: undo this one"]
pub(super) struct Patched {
    path: PathBuf,
    original: String,
}

impl Patched {
    pub(super) fn undo(self) -> anyhow::Result<()> {
        std::fs::write(&self.path, self.original).context("undoing the patch")
    }
}

/// Replaces `find`, which must occur exactly once in the file.
pub(super) fn apply(path: &Path, find: &str, replace: &str) -> anyhow::Result<Patched> {
    let original =
        std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let text = replaced(&original, find, replace).with_context(|| path.display().to_string())?;
    std::fs::write(path, text)?;
    Ok(Patched {
        path: path.to_owned(),
        original,
    })
}

/// The text with `find` replaced; an error unless it occurs exactly once.
pub(super) fn replaced(text: &str, find: &str, replace: &str) -> anyhow::Result<String> {
    match text.matches(find).count() {
        1 => Ok(text.replacen(find, replace, 1)),
        count => bail!("the text to replace occurs {count} times, not once: {find:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_must_fit_exactly_once() {
        assert_eq!(replaced("a b c", "b", "x").unwrap(), "a x c");
        assert!(
            replaced("a b b", "b", "x")
                .unwrap_err()
                .to_string()
                .contains("2 times")
        );
        assert!(replaced("a", "b", "x").is_err());
    }

    #[test]
    fn an_undone_patch_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        std::fs::write(&path, "one two").unwrap();
        let patched = apply(&path, "two", "three").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one three");
        patched.undo().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one two");
    }
}
