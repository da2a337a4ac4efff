//! One stack per state folder: the lock that a second one runs into.
//!
//! The lock is the kernel's and ends with the process, whatever ends it; nothing has to be cleaned
//! up after a crash. What the file says (the process id) is for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, bail};

/// Held for as long as the stack lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock of a state folder, which is made if it is not there.
pub(crate) fn take(state: &Path) -> anyhow::Result<Lock> {
    std::fs::create_dir_all(state).with_context(|| format!("making {}", state.display()))?;
    let path = state.join("lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let mut file = file.with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            bail!(
                "this checkout's stack is already running (process {}): stop it with Ctrl-C there, \
                 or `kill {}`",
                holder.trim(),
                holder.trim()
            );
        }
        Err(TryLockError::Error(error)) => return Err(error).context("locking the state folder"),
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(Lock { _file: file })
}

/// Whether nobody holds the lock of that folder (a folder without a lock counts as free).
pub(crate) fn is_free(state: &Path) -> bool {
    File::open(state.join("lock")).map_or(true, |file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_stack_in_the_same_folder_is_refused_with_the_process_of_the_first() {
        let state = tempfile::tempdir().unwrap();
        let first = take(state.path()).unwrap();
        assert!(!is_free(state.path()));
        let error = take(state.path()).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        assert!(is_free(state.path()));
        take(state.path()).unwrap();
    }
}
