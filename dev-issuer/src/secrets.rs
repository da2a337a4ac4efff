//! Secrets on disk: made with the operating system's randomness, readable by their owner only.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;

/// A new secret of 256 bits.
pub(crate) fn generate() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// The secret in a file, or a new one put there.
pub(crate) fn read_or_make(path: &Path) -> anyhow::Result<String> {
    if path.exists() {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the secret file {} cannot be read", path.display()))?;
        let secret = text.trim_end_matches('\n');
        anyhow::ensure!(
            !secret.is_empty(),
            "the secret file {} is empty",
            path.display()
        );
        return Ok(secret.to_owned());
    }
    let secret = generate();
    write_private(path, secret.as_bytes())?;
    Ok(secret)
}

/// Writes a file with mode 0600, whole or not at all.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("partial");
    // A left-over of a crash may have another mode; the mode given below counts for new files only.
    let _ = std::fs::remove_file(&beside);
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
