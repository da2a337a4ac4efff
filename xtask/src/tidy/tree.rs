//! The files that rules look at: what git tracks or would track, never what it ignores.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Files larger than this are data, not text, and are not read (bytes).
const TEXT_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// One text file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// Whether it is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// The file's name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is a test: in a `tests` folder, or the tests of a module kept beside it.
    pub(crate) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs"))
    }

    /// Lines with their numbers, without comments (whole-line or trailing).
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| {
            let code = if line.trim_start().starts_with("//") {
                ""
            } else {
                line.split(" // ").next().unwrap_or(line)
            };
            (index + 1, code)
        })
    }
}

/// All text files of a checkout.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// What git tracks below `root`, and new files that it does not ignore.
    pub(crate) fn tracked(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in list(root)? {
            let place = root.join(&path);
            let Ok(meta) = place.symlink_metadata() else {
                continue; // deleted but not yet committed so
            };
            if !meta.is_file() || meta.len() > TEXT_BYTES_MAX {
                continue;
            }
            let bytes = std::fs::read(&place).with_context(|| format!("reading {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(crate) fn find(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        Self {
            files: files.iter().map(file).collect(),
        }
    }
}

/// The paths that git tracks, and those it would (new and not ignored), relative to `root`.
pub(crate) fn list(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let output = git
        .output()
        .context("git lists the files of the checkout; is it installed?")?;
    if !output.status.success() {
        bail!(
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let names = String::from_utf8(output.stdout).context("a tracked path is not UTF-8")?;
    let mut paths: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn comments_are_not_code_but_web_addresses_are() {
        let file = file("a.rs", "//! axum\nuse x; // axum\nlet u = \"http://h\";\n");
        let lines: Vec<_> = file.code_lines().map(|(_, code)| code).collect();
        assert_eq!(lines, ["", "use x;", "let u = \"http://h\";"]);
    }

    #[test]
    fn tests_are_recognised_by_folder_and_by_name() {
        assert!(file("a/tests/b.rs", "").is_test());
        assert!(file("a/src/b/tests.rs", "").is_test());
        assert!(!file("a/src/contests.rs", "").is_test());
    }
}
