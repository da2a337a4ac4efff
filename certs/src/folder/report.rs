//! What ends when.

use std::fs;
use std::path::Path;

use time::OffsetDateTime;

use super::{PkiFolder, PkiFolderError, read};
use crate::crl::MAX_CRL_BYTES;
use crate::{Certificate, Fingerprint, RevocationList};

/// Most files that a report looks at.
const MAX_REPORTED_FILES: usize = 10_000;

/// One file of the folder that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// File name.
    pub file: String,
    /// What it is.
    pub what: ReportedAs,
    /// Subject of a certificate, issuer of a list.
    pub name: String,
    /// Its last second; a list ends when the next one is due.
    pub ends: OffsetDateTime,
    /// A certificate's fingerprint.
    pub fingerprint: Option<Fingerprint>,
}

/// What a reported file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedAs {
    /// A certificate that may issue.
    Authority,
    /// Any other certificate; the first of a chain.
    Leaf,
    /// A revocation list.
    Crl,
}

impl ReportedAs {
    /// The word for people and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Leaf => "leaf",
            Self::Crl => "crl",
        }
    }
}

impl PkiFolder {
    /// Every certificate and revocation list of the folder, the next to end first. Trust bundles
    /// repeat what stands in other files and are left out, as is everything that is neither.
    pub fn report(&self) -> Result<Vec<ReportLine>, PkiFolderError> {
        let entries = fs::read_dir(self.dir()).map_err(PkiFolderError::io(self.dir()))?;
        let mut lines = Vec::new();
        for entry in entries.take(MAX_REPORTED_FILES) {
            let path = entry.map_err(PkiFolderError::io(self.dir()))?.path();
            lines.extend(line(&path));
        }
        lines.sort_by(|a, b| (a.ends, &a.file).cmp(&(b.ends, &b.file)));
        Ok(lines)
    }
}

fn line(path: &Path) -> Option<ReportLine> {
    let file = path.file_name()?.to_str()?.to_owned();
    let ending = path.extension()?.to_str()?;
    if !matches!(ending, "pem" | "crl" | "crt" | "der") || file.ends_with("-trust.pem") {
        return None;
    }
    let bytes = read::read_limited(path, MAX_CRL_BYTES).ok()?;
    if let Ok(certificate) = Certificate::read_first(&bytes) {
        let what = if certificate.is_ca() {
            ReportedAs::Authority
        } else {
            ReportedAs::Leaf
        };
        return Some(ReportLine {
            file,
            what,
            name: certificate.subject(),
            ends: certificate.not_after(),
            fingerprint: Some(certificate.fingerprint()),
        });
    }
    let list = RevocationList::parse(&bytes).ok()?;
    Some(ReportLine {
        file,
        what: ReportedAs::Crl,
        name: list.issuer(),
        ends: list.next_update()?,
        fingerprint: None,
    })
}
