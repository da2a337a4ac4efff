//! Trust bundles: what a listener or client is told to trust.

use std::fs;

use super::{Outcome, PkiFolder, PkiFolderError, Step, write};
use crate::CaKind;
use crate::authority::read_certificate;

impl PkiFolder {
    /// Writes `<kind>-trust.pem`: every root and every authority of the kind, so that leaves of
    /// an older and a newer authority are both trusted during a rotation.
    pub(super) fn write_bundle(&self, kind: CaKind) -> Result<Step, PkiFolderError> {
        let file = format!("{kind}-trust.pem");
        let path = self.path(&file);
        let mut bundle = String::new();
        for files in self.roots().into_iter().chain(self.authorities(kind)) {
            // Written from what was parsed, so that no comment of a file gets in.
            bundle.push_str(&read_certificate(&files.certificate)?.pem());
        }
        let outcome = match fs::read(&path) {
            Ok(there) if there == bundle.as_bytes() => return Ok(Step::new(file, Outcome::Kept)),
            Ok(_) => Outcome::Updated,
            Err(_) => Outcome::Made,
        };
        write::write_public(&path, bundle.as_bytes()).map_err(PkiFolderError::io(path))?;
        Ok(Step::new(file, outcome))
    }
}
