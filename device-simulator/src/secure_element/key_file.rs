//! The secure element's memory: one PKCS#8 file with mode 0600, written once.
//!
//! Private to the element, so that no other code ever holds the file's contents.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use p256::ecdsa::SigningKey;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use zeroize::Zeroizing;

/// A PKCS#8 P-256 key in PEM has about 240 bytes.
const MAX_FILE_BYTES: u64 = 4_096;

/// Why a key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file exists but others may read it.
    #[error(
        "the key file {path} can be read by others (mode {mode:03o}): chmod 600 it, or remove the device's folder if the key may have been copied"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else.
    #[error(
        "the key file {0} is not a P-256 key in PKCS#8 PEM: restore it from a copy, or remove the device's folder and use another --prefix, since the device's old key stays registered"
    )]
    Corrupt(PathBuf),
    /// The file system refused.
    #[error(
        "cannot {action} the key file {path}: {source}; give the folder to the user who runs the simulator"
    )]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The key in the file, or `None` if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    let failed = |source| KeyFileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let corrupt = || KeyFileError::Corrupt(path.to_owned());
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(corrupt());
    }
    let pem = std::str::from_utf8(&bytes).map_err(|_| corrupt())?;
    SigningKey::from_pkcs8_pem(pem)
        .map(Some)
        .map_err(|_| corrupt())
}

/// Writes the key beside `path` and moves it there, so that a crash leaves a whole file or none.
/// The state folder's lock makes sure that nobody else writes one meanwhile.
pub(super) fn write_new(path: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    let failed = |source| KeyFileError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .expect("a key that was just made always has a PKCS#8 form");
    let temporary = path.with_extension("new");
    let result = (|| {
        // What a crashed run left behind was never used: nothing was enrolled with it.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(pem.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    result.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secure_element::SecureElement;

    #[test]
    fn the_key_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        SecureElement::open_or_make(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left there"
        );
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        SecureElement::open_or_make(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = SecureElement::open_or_make(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_corrupt_key_file_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        for bad in [&b"nonsense"[..], b"", &[0xff; 64], &vec![b'A'; 10_000]] {
            fs::write(&path, bad).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = SecureElement::open_or_make(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Corrupt(_)), "{error}");
            assert_eq!(
                fs::read(&path).unwrap(),
                bad,
                "a key file is never overwritten"
            );
        }
    }

    #[test]
    fn what_a_crash_left_half_written_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        fs::write(folder.path().join("key.new"), "half").unwrap();
        SecureElement::open_or_make(&path).unwrap();
        assert!(!folder.path().join("key.new").exists());
    }
}
