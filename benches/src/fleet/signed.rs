//! Devices of the made-up fleet that hold certificates which a CA really signed: a storm needs them
//! for its handshakes.
//!
//! Signing draws random numbers, so here alone something is handed to the server's process: a file
//! with a line for each such device, its number and its fingerprint.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};
use certs::Fingerprint;
use certs::folder::read::read_limited;

use super::fingerprint_text;

/// Most bytes of the file: a line has about a hundred, so this is some 150,000 devices.
const FILE_BYTES_MAX: usize = 16 << 20;

/// Fingerprints by device number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Signed(HashMap<u32, [u8; 32]>);

impl Signed {
    /// What this device holds instead of a made-up certificate.
    pub(crate) fn of(&self, number: u32) -> Option<[u8; 32]> {
        self.0.get(&number).copied()
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = read_limited(path, FILE_BYTES_MAX);
        let bytes = bytes.with_context(|| format!("reading {}", path.display()))?;
        let text = String::from_utf8(bytes).context("--signed is not text")?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut signed = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let both = line.split_once(' ').and_then(|(number, fingerprint)| {
                Some((number.parse().ok()?, Fingerprint::parse(fingerprint).ok()?))
            });
            let (number, fingerprint): (u32, Fingerprint) = both.with_context(|| {
                format!(
                    "--signed, line {}: not a number and a fingerprint",
                    index + 1
                )
            })?;
            let before = signed.insert(number, *fingerprint.as_bytes());
            ensure!(before.is_none(), "--signed names device {number} twice");
        }
        Ok(Self(signed))
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = String::new();
        for (number, fingerprint) in &self.0 {
            writeln!(text, "{number} {}", fingerprint_text(fingerprint))
                .context("writing to memory")?;
        }
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
    }
}

impl FromIterator<(u32, [u8; 32])> for Signed {
    fn from_iter<I: IntoIterator<Item = (u32, [u8; 32])>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signed");
        let signed: Signed = [(7, [1; 32]), (4_000_000_000, [0xab; 32])]
            .into_iter()
            .collect();
        signed.write(&file).unwrap();
        assert_eq!(Signed::read(&file).unwrap(), signed);
        assert_eq!(signed.of(7), Some([1; 32]));
        assert_eq!(signed.of(8), None);
    }

    #[test]
    fn a_bad_line_is_refused_by_its_number_and_a_file_too_large_by_its_size() {
        let good = format!("1 {}\n", fingerprint_text(&[1; 32]));
        for bad in ["", "1", "1 AB", "x AB:CD", "4294967296 00"] {
            let error = Signed::parse(&format!("{good}{bad}\n")).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{bad:?}: {error}");
        }
        let twice = Signed::parse(&format!("{good}{good}")).unwrap_err();
        assert!(twice.to_string().contains("twice"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signed");
        std::fs::File::create(&file)
            .and_then(|made| made.set_len(FILE_BYTES_MAX as u64 + 1))
            .unwrap();
        assert!(Signed::read(&file).is_err());
    }
}
