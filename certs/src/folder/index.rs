//! `authorities.json`: which authorities the folder holds, for people and for scripts that hand files
//! on. Derived from the certificates and written anew when it differs; nothing reads it back.

use std::fs;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::authorities::AuthorityFiles;
use super::{Outcome, PkiFolder, PkiFolderError, Step, write};
use crate::authority::{hexadecimal, read_certificate};
use crate::{CaKind, Certificate};

/// The index's file name.
pub const INDEX_FILE: &str = "authorities.json";

impl PkiFolder {
    /// Writes the index: every root and every authority of each kind, oldest first. The newest of a
    /// kind is `current`, the others are `retired`: they sign nothing but their revocation lists.
    pub(super) fn write_index(&self) -> Result<Step, PkiFolderError> {
        let mut authorities = Vec::new();
        for (word, all) in std::iter::once(("root", self.roots()))
            .chain(CaKind::ALL.map(|kind| (kind.as_str(), self.authorities(kind))))
        {
            let newest = all.len().saturating_sub(1);
            for (position, files) in all.iter().enumerate() {
                let certificate = read_certificate(&files.certificate)?;
                authorities.push(entry(word, files, &certificate, position == newest));
            }
        }
        let mut text = format!("{:#}", json!({ "version": 1, "authorities": authorities }));
        text.push('\n');
        let path = self.path(INDEX_FILE);
        let outcome = match fs::read(&path) {
            Ok(there) if there == text.as_bytes() => {
                return Ok(Step::new(INDEX_FILE, Outcome::Kept));
            }
            Ok(_) => Outcome::Updated,
            Err(_) => Outcome::Made,
        };
        write::write_public(&path, text.as_bytes()).map_err(PkiFolderError::io(path))?;
        Ok(Step::new(INDEX_FILE, outcome))
    }
}

fn entry(kind: &str, files: &AuthorityFiles, certificate: &Certificate, current: bool) -> Value {
    json!({
        "kind": kind,
        "role": if current { "current" } else { "retired" },
        "certificateFile": format!("{}.pem", files.stem),
        "keyFile": format!("{}.key", files.stem),
        "subject": certificate.subject(),
        "keyIdentifier": certificate.subject_key_identifier().map(|bytes| hexadecimal(&bytes)),
        "fingerprint": certificate.fingerprint().to_string(),
        "notBefore": shown(certificate.not_before()),
        "notAfter": shown(certificate.not_after()),
    })
}

fn shown(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}
