//! A certificate that may issue and its key, checked against each other.

use std::fmt;
use std::path::Path;

use x509_cert::name::Name;

use super::AuthorityError;
use crate::certificate::MAX_CERTIFICATE_FILE_BYTES;
use crate::{Certificate, PrivateKey};

/// What both sorts of authority are made of.
pub(crate) struct Pair {
    pub(crate) certificate: Certificate,
    pub(crate) key: PrivateKey,
    /// What leaves and lists name the signing key by.
    pub(crate) key_identifier: Vec<u8>,
}

impl Pair {
    pub(crate) fn new(certificate: Certificate, key: PrivateKey) -> Result<Self, AuthorityError> {
        let public_key = certificate.public_key()?;
        if public_key != key.public_key() {
            return Err(AuthorityError::Mismatch {
                subject: certificate.subject(),
            });
        }
        if !certificate.is_ca() {
            return Err(AuthorityError::NotAnAuthority {
                subject: certificate.subject(),
            });
        }
        let key_identifier = certificate
            .subject_key_identifier()
            .unwrap_or_else(|| public_key.identifier().to_vec());
        Ok(Self {
            certificate,
            key,
            key_identifier,
        })
    }

    pub(crate) fn from_pem(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        Self::new(
            Certificate::read_first(certificate.as_bytes())?,
            PrivateKey::from_pkcs8_pem(key)?,
        )
    }

    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, AuthorityError> {
        Self::new(read_certificate(certificate)?, PrivateKey::read_file(key)?)
    }

    /// The name that what it signs carries as issuer.
    pub(crate) fn name(&self) -> Name {
        self.certificate.x509().tbs_certificate().subject().clone()
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pair")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Reads the first certificate of a file.
pub(crate) fn read_certificate(path: &Path) -> Result<Certificate, AuthorityError> {
    let bytes =
        crate::folder::read::read_limited(path, MAX_CERTIFICATE_FILE_BYTES).map_err(|error| {
            AuthorityError::Io {
                path: path.to_owned(),
                error,
            }
        })?;
    Certificate::read_first(&bytes).map_err(|error| AuthorityError::CertificateFile {
        path: path.to_owned(),
        error,
    })
}
