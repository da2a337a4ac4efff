//! Reading and writing one device's folder.

use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::atomic;
use super::record::{DeviceRecord, Enrolment, RecordError};
use crate::enrolment::x509;
use crate::secure_element::SecureElement;

/// No file of a device is near this size; a larger one is not ours.
const MAX_FILE_BYTES: u64 = 256 * 1_024;

/// One device's folder.
#[derive(Clone, Debug)]
pub struct DeviceFolder {
    path: PathBuf,
}

impl DeviceFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes the folder if it is not there.
    pub fn make(&self) -> Result<(), RecordError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|source| write_failed(&self.path, source))
    }

    /// Where the secure element keeps its key.
    pub fn key_file(&self) -> PathBuf {
        self.path.join("key.pem")
    }

    /// `device.json`, or `None` if the device is not enrolled.
    pub fn record(&self) -> Result<Option<DeviceRecord>, RecordError> {
        let path = self.path.join("device.json");
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| RecordError::Corrupt {
                path,
                what: "is not the JSON of an enrolled device",
            })
    }

    /// The kept enrolment of `device_id`, checked against the key in `element`; `None` if the
    /// device is not enrolled.
    pub fn enrolment(
        &self,
        device_id: &str,
        element: &SecureElement,
    ) -> Result<Option<Enrolment>, RecordError> {
        let Some(record) = self.record()? else {
            return Ok(None);
        };
        if record.device_id != device_id {
            let path = self.path.join("device.json");
            return Err(RecordError::Corrupt {
                path,
                what: "is the record of another device",
            });
        }
        let path = self.path.join("certificate.pem");
        let corrupt = |what| RecordError::Corrupt {
            path: path.clone(),
            what,
        };
        let bytes = read(&path)?.ok_or_else(|| corrupt("is missing"))?;
        let chain_pem =
            String::from_utf8(bytes).map_err(|_| corrupt("is not a certificate in PEM"))?;
        let chain = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| corrupt("is not a certificate in PEM"))?;
        let leaf = chain
            .first()
            .ok_or_else(|| corrupt("holds no certificate"))?;
        let key =
            x509::public_key_der(leaf).ok_or_else(|| corrupt("holds a broken certificate"))?;
        if key != element.public_key_der() {
            return Err(corrupt("is the certificate of another key than key.pem"));
        }
        if x509::fingerprint(leaf) != record.fingerprint {
            return Err(corrupt("is not the certificate that device.json names"));
        }
        let svg = read(&self.path.join("qr.svg"))?.unwrap_or_default();
        let qr_svg = String::from_utf8_lossy(&svg).into_owned();
        Ok(Some(Enrolment {
            record,
            chain,
            chain_pem,
            qr_svg,
        }))
    }

    /// Keeps an enrolment. `device.json` is written last: until it is there the device counts as
    /// not enrolled, and enrolling again is safe.
    pub fn keep(&self, enrolment: &Enrolment) -> Result<(), RecordError> {
        let record = serde_json::to_vec_pretty(&enrolment.record)
            .expect("a record of plain texts always becomes JSON");
        for (name, bytes) in [
            ("certificate.pem", enrolment.chain_pem.as_bytes()),
            ("qr.svg", enrolment.qr_svg.as_bytes()),
            ("device.json", &record),
        ] {
            let path = self.path.join(name);
            atomic::replace(&path, bytes).map_err(|source| write_failed(&path, source))?;
        }
        Ok(())
    }

    /// Counts one more start and returns its number, from 1.
    pub fn next_boot(&self) -> Result<u64, RecordError> {
        let path = self.path.join("boot");
        let last = match read(&path)? {
            None => 0,
            Some(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.trim().parse::<u64>().ok())
                .filter(|last| *last < u64::MAX)
                .ok_or_else(|| RecordError::Corrupt {
                    path: path.clone(),
                    what: "does not hold the number of starts",
                })?,
        };
        let boot = last + 1;
        atomic::replace(&path, format!("{boot}\n").as_bytes())
            .map_err(|source| write_failed(&path, source))?;
        Ok(boot)
    }
}

fn write_failed(path: &Path, source: io::Error) -> RecordError {
    RecordError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    }
}

/// The whole file, or `None` if there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, RecordError> {
    let failed = |source| RecordError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(RecordError::Corrupt {
            path: path.to_owned(),
            what: "is far too large",
        });
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> (tempfile::TempDir, DeviceFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = DeviceFolder::new(root.path().join("grow-0001"));
        folder.make().unwrap();
        (root, folder)
    }

    #[test]
    fn every_start_has_its_own_number() {
        let (_root, folder) = folder();
        assert_eq!(
            (1..=5)
                .map(|_| folder.next_boot().unwrap())
                .collect::<Vec<_>>(),
            [1, 2, 3, 4, 5]
        );
    }

    #[test]
    fn a_corrupt_start_counter_is_named_and_not_reset() {
        let (_root, folder) = folder();
        for bad in ["", "many", "-1", "18446744073709551615"] {
            fs::write(folder.path.join("boot"), bad).unwrap();
            let error = folder.next_boot().unwrap_err();
            assert!(
                matches!(error, RecordError::Corrupt { .. }),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn a_device_without_a_record_is_not_enrolled() {
        let (_root, folder) = folder();
        let element = SecureElement::open_or_make(&folder.key_file()).unwrap();
        assert!(folder.enrolment("grow-0001", &element).unwrap().is_none());
    }

    #[test]
    fn a_record_that_is_not_json_or_far_too_large_is_named() {
        let (_root, folder) = folder();
        fs::write(folder.path.join("device.json"), "{").unwrap();
        assert!(
            folder
                .record()
                .unwrap_err()
                .to_string()
                .contains("device.json is not the JSON")
        );
        fs::write(folder.path.join("device.json"), vec![b' '; 300 * 1_024]).unwrap();
        assert!(
            folder
                .record()
                .unwrap_err()
                .to_string()
                .contains("far too large")
        );
    }
}
