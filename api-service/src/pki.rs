//! Reads the authorities' files at start, and says in one sentence what is wrong with them.

use std::path::{Path, PathBuf};

use certs::{AuthorityError, CaKind, Certificate, CertificateError, IssuingCa};

use crate::config::PkiConfig;
use crate::signing::Signer;

/// A bundle longer than this is not one, in bytes.
const BUNDLE_BYTES_MAX: u64 = 256 * 1024;

/// Why a file cannot be used. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PkiError {
    /// The device authority.
    #[error("API_DEVICE_CA_CERT_FILE, API_DEVICE_CA_KEY_FILE: {0}")]
    Authority(#[from] AuthorityError),
    /// A file that cannot be read.
    #[error("{setting}={}: {error}", path.display())]
    File {
        setting: &'static str,
        path: PathBuf,
        error: std::io::Error,
    },
    /// A file without certificates.
    #[error("{setting}={}: {error}", path.display())]
    Certificates {
        setting: &'static str,
        path: PathBuf,
        error: CertificateError,
    },
    /// A root that did not make the device authority.
    #[error(
        "API_ROOT_CA_CERT_FILE is not the issuer of API_DEVICE_CA_CERT_FILE: give the files that \
         were made together"
    )]
    OtherRoot,
}

/// What the service needs of its PKI.
pub(crate) struct Pki {
    pub(crate) signer: Signer,
    pub(crate) device_chain: String,
    pub(crate) server_chain: String,
}

impl Pki {
    /// Reads all files.
    pub(crate) fn load(config: &PkiConfig) -> Result<Self, PkiError> {
        let (certificate, key) = (&config.device_ca_cert, &config.device_ca_key);
        let authority = IssuingCa::load(CaKind::Device, certificate, key)?;
        let mut device_chain = authority.certificate().pem();
        if let Some(path) = &config.root_ca_cert {
            let root = read("API_ROOT_CA_CERT_FILE", path)?;
            if !root
                .iter()
                .any(|root| authority.certificate().is_issued_by(root))
            {
                return Err(PkiError::OtherRoot);
            }
            device_chain.extend(root.iter().map(Certificate::pem));
        }
        let server = read("API_SERVER_CA_CERT_FILE", &config.server_ca_cert)?;
        let crl_url = config.crl_base_url.clone();
        Ok(Self {
            signer: Signer::new(authority, crl_url, config.device_cert_days),
            device_chain,
            server_chain: server.iter().map(Certificate::pem).collect(),
        })
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<Certificate>, PkiError> {
    let file = |error| PkiError::File {
        setting,
        path: path.to_owned(),
        error,
    };
    if std::fs::metadata(path).map_err(file)?.len() > BUNDLE_BYTES_MAX {
        return Err(file(std::io::Error::other("is longer than 262144 bytes")));
    }
    let bytes = std::fs::read(path).map_err(file)?;
    Certificate::read_all(&bytes).map_err(|error| PkiError::Certificates {
        setting,
        path: path.to_owned(),
        error,
    })
}
