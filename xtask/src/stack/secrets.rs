//! Passwords made on this machine: random, in files that only their owner reads.
//!
//! A secret reaches a process through such a file and never through a command line or a log.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

/// Random bytes in a secret; twice as many hexadecimal letters.
const BYTES: usize = 24;

/// The secret in `path`, made if the file is not there.
pub(crate) fn ensure(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    }
    let secret = random()?;
    write(path, &secret)?;
    Ok(secret)
}

/// Writes a secret to a file with mode 0600, replacing what is there.
pub(crate) fn write(path: &Path, secret: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("partial");
    let _ = std::fs::remove_file(&beside);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside);
    let mut file = file.with_context(|| format!("making {}", beside.display()))?;
    writeln!(file, "{secret}")?;
    std::fs::rename(&beside, path).with_context(|| format!("placing {}", path.display()))
}

/// Fresh hexadecimal letters from the kernel.
pub(crate) fn random() -> anyhow::Result<String> {
    let mut bytes = [0_u8; BYTES];
    let mut kernel = std::fs::File::open("/dev/urandom").context("opening /dev/urandom")?;
    kernel
        .read_exact(&mut bytes)
        .context("reading /dev/urandom")?;
    let mut letters = String::with_capacity(2 * BYTES);
    for byte in bytes {
        write!(letters, "{byte:02x}").context("writing to a string")?;
    }
    Ok(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let secret = ensure(&path).unwrap();
        assert_eq!(secret.len(), 2 * BYTES);
        assert_eq!(ensure(&path).unwrap(), secret);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn two_secrets_differ() {
        assert_ne!(random().unwrap(), random().unwrap());
    }
}
