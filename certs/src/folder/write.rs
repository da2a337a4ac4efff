//! Files that appear whole or not at all.
//!
//! Content goes to a temporary file beside the target, reaches the disk, and then gets its name:
//! by a hard link when nothing may be replaced, by a rename when something may.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a file was not written once.
#[derive(Debug, thiserror::Error)]
pub enum WriteOnceError {
    /// The name is taken.
    #[error("the file exists")]
    Exists,
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes a file that does not exist yet, with these permission bits.
pub fn write_once(path: &Path, content: &[u8], mode: u32) -> Result<(), WriteOnceError> {
    let temporary = write_temporary(path, content, mode)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Ok(()) => Ok(sync_parent(path)?),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(WriteOnceError::Exists),
        Err(error) => Err(error.into()),
    }
}

/// Writes a public file (mode 0644), in the place of an older one if there is one.
pub fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, content, 0o644)?;
    fs::rename(&temporary, path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_parent(path)
}

fn write_temporary(path: &Path, content: &[u8], mode: u32) -> io::Result<PathBuf> {
    let temporary = temporary_beside(path)?;
    // A leftover of a crashed process with our id would otherwise block this name for ever.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    let written = file
        // The umask may have taken bits away that a public file needs.
        .set_permissions(Permissions::from_mode(mode))
        .and_then(|()| file.write_all(content))
        .and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    Ok(temporary)
}

fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the path has no file name"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(hidden))
}

/// Makes the new name survive a power loss.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
