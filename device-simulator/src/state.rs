//! What devices keep across restarts: `<state>/<deviceId>/`, one folder each.
//!
//! | file | what | mode |
//! |---|---|---|
//! | `key.pem` | the secure element's memory; only that module reads or writes it | 0600 |
//! | `certificate.pem` | the device's certificate, then its issuers | 0644 |
//! | `device.json` | what enrolment answered; its presence says that enrolment is complete | 0644 |
//! | `qr.svg` | the QR code of the answer | 0644 |
//! | `boot` | how often the device was started | 0644 |
//!
//! One process at a time owns a state folder: two would take each other's MQTT sessions for ever.

mod atomic;
mod device_folder;
mod record;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use atomic::replace;
pub use device_folder::DeviceFolder;
pub use record::{DeviceRecord, Enrolment, RecordError};

use crate::device_id::DeviceId;
use crate::failure::Failure;

/// The state folder, locked for this process until dropped.
#[derive(Debug)]
pub struct StateFolder {
    root: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Opens the folder, makes it (mode 0700) if it is not there, and takes its lock.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(|error| {
            Failure::config(format!(
                "cannot make the state folder {}: {error}; name a folder of your own with --state",
                root.display()
            ))
        })?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join(".lock"))
            .map_err(|error| not_ours(root, &error))?;
        refuse_a_folder_of_another_user(root)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::config(format!(
                "the state folder {} is in use by another simulator: stop that one or name another --state",
                root.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Failure::config(format!(
                "cannot lock the state folder {}: {error}; name a folder on a local disk with --state",
                root.display()
            ))),
        }
    }

    /// One device's folder, which need not exist yet.
    pub fn device(&self, id: &DeviceId) -> DeviceFolder {
        DeviceFolder::new(self.root.join(id.as_str()))
    }
}

/// What is kept for one device, read without the lock (for `qr`, beside a running fleet).
pub fn peek(root: &Path, id: &DeviceId) -> Result<Option<DeviceRecord>, RecordError> {
    DeviceFolder::new(root.join(id.as_str())).record()
}

fn not_ours(root: &Path, error: &io::Error) -> Failure {
    Failure::config(format!(
        "cannot write into the state folder {}: {error}; name a folder of your own with --state, or chown it to the user who runs the simulator",
        root.display()
    ))
}

/// Root may write into anybody's folder, but would leave files there that its owner can't use.
fn refuse_a_folder_of_another_user(root: &Path) -> Result<(), Failure> {
    // A file just made belongs to whoever runs this process; asking the system needs unsafe code.
    let probe = root.join(format!(".owner-{}", std::process::id()));
    let made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&probe);
    let ours = made.and_then(|file| file.metadata());
    let _ = fs::remove_file(&probe);
    let ours = ours.map_err(|error| not_ours(root, &error))?.uid();
    let theirs = fs::metadata(root)
        .map_err(|error| not_ours(root, &error))?
        .uid();
    if ours == theirs {
        return Ok(());
    }
    Err(Failure::config(format!(
        "the state folder {} belongs to user {theirs} and the simulator runs as user {ours}: name a folder of your own with --state, or chown it",
        root.display()
    )))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn a_new_state_folder_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a/b");
        let _state = StateFolder::open(&root).unwrap();
        assert_eq!(
            fs::metadata(&root).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn a_state_folder_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateFolder::open(folder.path()).unwrap();
        let failure = StateFolder::open(folder.path()).unwrap_err();
        assert_eq!(failure.code(), 78);
        assert!(
            failure.to_string().contains("in use by another simulator"),
            "{failure}"
        );
        drop(first);
        StateFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        let failure = StateFolder::open(&path).unwrap_err();
        assert_eq!(failure.code(), 78);
        assert!(failure.to_string().contains("--state"), "{failure}");
    }

    #[test]
    fn a_state_folder_of_another_user_is_refused_even_to_root() {
        let folder = tempfile::tempdir().unwrap();
        if chown(folder.path(), Some(12_345), None).is_err() {
            // Not root: then the folder can't be given away, and the system itself refuses others.
            return;
        }
        let failure = StateFolder::open(folder.path()).unwrap_err();
        assert_eq!(failure.code(), 78);
        assert!(
            failure.to_string().contains("belongs to user 12345"),
            "{failure}"
        );
    }
}
