//! Text patches that fit exactly once, and their undoing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::list::Edit;

/// Edits that are in place.
#[derive(Debug)]
#[must_use = "the scratch copy serves the next sabotage too: undo this one"]
pub(super) struct Patched {
    originals: BTreeMap<PathBuf, String>,
}

impl Patched {
    pub(super) fn undo(self) -> anyhow::Result<()> {
        for (path, text) in self.originals {
            std::fs::write(&path, text).with_context(|| format!("undoing {}", path.display()))?;
        }
        Ok(())
    }
}

/// The texts of the edited files, before and after.
type Texts = BTreeMap<PathBuf, (String, String)>;

/// What the edits would make of the tree at `root`; each must fit exactly once.
pub(super) fn fit(root: &Path, edits: &[Edit]) -> anyhow::Result<Texts> {
    let mut texts = Texts::new();
    for edit in edits {
        let path = root.join(edit.file);
        if !texts.contains_key(&path) {
            let text = std::fs::read_to_string(&path).with_context(|| edit.file.to_owned())?;
            texts.insert(path.clone(), (text.clone(), text));
        }
        if let Some((_, text)) = texts.get_mut(&path) {
            *text = replaced(text, edit.find, edit.replace).context(edit.file)?;
        }
    }
    Ok(texts)
}

/// Makes all edits, or none if one does not fit.
pub(super) fn apply(root: &Path, edits: &[Edit]) -> anyhow::Result<Patched> {
    let mut originals = BTreeMap::new();
    for (path, (before, after)) in fit(root, edits)? {
        std::fs::write(&path, after).with_context(|| format!("patching {}", path.display()))?;
        originals.insert(path, before);
    }
    Ok(Patched { originals })
}

/// The text with `find` replaced; an error unless it occurs exactly once.
fn replaced(text: &str, find: &str, replace: &str) -> anyhow::Result<String> {
    match text.matches(find).count() {
        1 => Ok(text.replacen(find, replace, 1)),
        count => bail!("the text to replace occurs {count} times, not once: {find:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Edit] = &[
        Edit {
            file: "a.rs",
            find: "one",
            replace: "1",
        },
        Edit {
            file: "a.rs",
            find: "two",
            replace: "2",
        },
    ];

    #[test]
    fn an_edit_must_fit_exactly_once() {
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
    fn undone_edits_leave_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        std::fs::write(&path, "one two").unwrap();
        let patched = apply(folder.path(), TWO).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1 2");
        patched.undo().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one two");
    }

    #[test]
    fn if_one_edit_does_not_fit_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rs");
        std::fs::write(&path, "one only").unwrap();
        assert!(apply(folder.path(), TWO).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one only");
    }
}
