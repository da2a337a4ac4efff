//! Whether a program is older than what it was built from, by the list that cargo leaves beside it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;

/// A list is a few hundred paths; more than this is none of cargo's.
const LIST_BYTES_MAX: u64 = 4 << 20;

/// Stands for a blank inside a path while a list is split; no path contains it.
const INSIDE: &str = "\0";

/// A source of `program` that was changed after it was built. A program without a list beside it was
/// not built here, and nothing can be said about it.
pub(super) fn newer_than(program: &Path) -> anyhow::Result<Option<PathBuf>> {
    let list = program.with_extension("d");
    let of_list = std::fs::metadata(&list).ok();
    if of_list.is_none_or(|list| list.len() > LIST_BYTES_MAX) {
        return Ok(None);
    }
    let text =
        std::fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let built = changed(program).with_context(|| format!("looking at {}", program.display()))?;
    // A source that is gone says nothing: the program may have been built on another machine.
    let newer = |source: &PathBuf| changed(source).is_ok_and(|changed| changed > built);
    Ok(paths(&text).into_iter().find(newer))
}

fn changed(path: &Path) -> std::io::Result<SystemTime> {
    std::fs::metadata(path)?.modified()
}

/// The paths behind `program:`. A blank inside a path is written with a backslash before it.
fn paths(list: &str) -> Vec<PathBuf> {
    let Some((_, rest)) = list.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let marked = rest.replace("\\ ", INSIDE);
    let found = marked.split(' ').filter(|path| !path.is_empty());
    found.map(|path| path.replace(INSIDE, " ").into()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    fn at(path: &Path, seconds: u64) {
        let file = File::options().create(true).append(true).open(path);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_list_has_its_paths_after_the_program_s_with_blanks_escaped() {
        let list = "/target/release/schema: /a/main.rs /a\\ b/lib.rs /a/V1.sql\n\n/ignored: /x\n";
        let expected = ["/a/main.rs", "/a b/lib.rs", "/a/V1.sql"].map(PathBuf::from);
        assert_eq!(paths(list), expected);
        for nothing in ["", "no list", "/target/schema: "] {
            assert!(paths(nothing).is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn a_program_older_than_one_of_its_sources_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join(name);
        let (program, old, new) = (of("schema"), of("old.rs"), of("new.rs"));
        at(&program, 100);
        assert_eq!(newer_than(&program).unwrap(), None, "there is no list");
        at(&old, 99);
        at(&new, 100);
        let gone = of("gone.rs");
        let list = [&program, &old, &gone, &new].map(|path| path.to_str().unwrap());
        std::fs::write(
            of("schema.d"),
            format!("{}: {}\n", list[0], list[1..].join(" ")),
        )
        .unwrap();
        assert_eq!(newer_than(&program).unwrap(), None, "nothing is newer");
        at(&new, 101);
        assert_eq!(newer_than(&program).unwrap(), Some(new));
    }
}
