//! Private keys in files: read only if nobody else can, written once and never over another.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyError, PrivateKey};
use crate::folder::write::{WriteOnceError, write_once};

/// Most bytes of a key file; a P-256 key takes about 240.
pub const MAX_KEY_FILE_BYTES: u64 = 16 * 1024;

/// What group and others may do, in a file's mode.
const GROUP_AND_OTHERS: u32 = 0o077;

impl PrivateKey {
    /// Reads a key file, which must be a regular file that neither group nor others may touch.
    ///
    /// A symbolic link is followed, since secret mounts are made of them; the file behind it is
    /// judged, through the open handle, so that it can't be exchanged in between.
    pub fn read_file(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |error| KeyFileError::Io {
            path: path.to_owned(),
            error,
        };
        // Without O_NONBLOCK, opening a named pipe would wait for its writer for ever.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(path)
            .map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(KeyFileError::NotAFile {
                path: path.to_owned(),
            });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & GROUP_AND_OTHERS != 0 {
            return Err(KeyFileError::Readable {
                path: path.to_owned(),
                mode,
            });
        }
        let text = read_text(&file, path)?;
        Self::from_pkcs8_pem(&text).map_err(|error| KeyFileError::Key {
            path: path.to_owned(),
            error,
        })
    }

    /// Writes the key to a new file with mode 0600, complete or not at all.
    ///
    /// An existing file of any content is refused: a lost issuing key can't be made again.
    pub fn create_file(&self, path: &Path) -> Result<(), KeyFileError> {
        write_once(path, self.to_pkcs8_pem().as_bytes(), 0o600).map_err(|error| match error {
            WriteOnceError::Exists => KeyFileError::Exists {
                path: path.to_owned(),
            },
            WriteOnceError::Io(error) => KeyFileError::Io {
                path: path.to_owned(),
                error,
            },
        })
    }
}

/// `O_NONBLOCK`, which has no effect on reading a regular file.
#[cfg(target_os = "linux")]
const O_NONBLOCK: i32 = 0o4000;
#[cfg(not(target_os = "linux"))]
const O_NONBLOCK: i32 = 0x0004;

/// Reads at most the limit into memory that never moves, so that wiping it wipes everything.
fn read_text(file: &File, path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let too_large = || KeyFileError::TooLarge {
        path: path.to_owned(),
    };
    let capacity = usize::try_from(MAX_KEY_FILE_BYTES + 1).map_err(|_| too_large())?;
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    file.take(MAX_KEY_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| KeyFileError::Io {
            path: path.to_owned(),
            error,
        })?;
    if text.len() > usize::try_from(MAX_KEY_FILE_BYTES).map_err(|_| too_large())? {
        return Err(too_large());
    }
    Ok(text)
}

/// Why a key file can't be used. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Group or others have a right to it.
    #[error(
        "the key file {path} can be used by others than its owner (mode {mode:04o}); \
         run: chmod 600 {path}", path = path.display()
    )]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, pipe or device.
    #[error("the key file {} is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Larger than any key of ours.
    #[error("the key file {} is larger than {MAX_KEY_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Something is there already.
    #[error(
        "the key file {} exists, and a key is never overwritten; move it away first",
        path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Its content is not a key for us.
    #[error("the key file {} can't be used: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// The operating system refused.
    #[error("the key file {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}
