//! The certificates that api-service uses. Never opens a key.

use std::path::Path;

use certs::Certificate;

use crate::config::PkiFiles;
use crate::doctor::facts::{Facts, Gap, Missing, Role, SeenCertificate};

/// A bundle longer than this is not one, in bytes.
const BUNDLE_BYTES_MAX: u64 = 256 * 1024;

/// Reads every file that is named.
pub(super) fn read(files: &PkiFiles, facts: &mut Facts) {
    for (setting, path) in files.named() {
        let role = if setting == "API_DEVICE_CA_CERT_FILE" {
            Role::DeviceAuthority
        } else {
            Role::Authority
        };
        match bundle(path) {
            Ok(certificates) => {
                for certificate in certificates {
                    let place = format!("{setting}={}", path.display());
                    facts.certificates.push(seen(place, &certificate, role));
                }
            }
            Err(reason) => facts.gaps.push(Gap {
                what: Missing::File,
                subject: format!("{setting}={}", path.display()),
                reason,
            }),
        }
    }
}

/// What devices trust, to judge the broker's certificate as they do.
pub(super) fn trust(files: &PkiFiles) -> Vec<Certificate> {
    let path = files.server.as_deref();
    path.and_then(|path| bundle(path).ok()).unwrap_or_default()
}

pub(super) fn seen(place: String, certificate: &Certificate, role: Role) -> SeenCertificate {
    SeenCertificate {
        place,
        subject: certificate.subject(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        role,
        refused: None,
    }
}

fn bundle(path: &Path) -> Result<Vec<Certificate>, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > BUNDLE_BYTES_MAX {
        return Err(format!("is longer than {BUNDLE_BYTES_MAX} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    Certificate::read_all(&bytes).map_err(|e| e.to_string())
}
