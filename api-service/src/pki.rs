//! Reads the authorities' files at start, and says in one sentence what is wrong with them.

use std::path::{Path, PathBuf};

use certs::{AuthorityError, CaKind, Certificate, CertificateError, IssuingCa};

use crate::config::PkiConfig;
use crate::expiry::KnownAuthority;
use crate::signing::{Authority, Signer};

/// A bundle longer than this is not one, in bytes.
const BUNDLE_BYTES_MAX: u64 = 256 * 1024;

/// Why a file cannot be used. Exit code 78.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PkiError {
    /// The device authority.
    #[error("API_DEVICE_CA_CERT_FILE, API_DEVICE_CA_KEY_FILE: {0}")]
    Authority(#[from] AuthorityError),
    /// A former device authority.
    #[error("API_DEVICE_CA_RETIRED_FILES: {}: {error}", path.display())]
    Retired {
        path: PathBuf,
        error: AuthorityError,
    },
    /// An authority whose lists would have no path.
    #[error("{setting}={}: the subject key identifier must have 20 bytes", path.display())]
    KeyIdentifier {
        setting: &'static str,
        path: PathBuf,
    },
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
    /// Whose ends are told by metrics.
    pub(crate) authorities: Vec<KnownAuthority>,
}

impl Pki {
    /// Reads all files.
    pub(crate) fn load(config: &PkiConfig) -> Result<Self, PkiError> {
        let (certificate, key) = (&config.device_ca_cert, &config.device_ca_key);
        let authority = named(
            IssuingCa::load(CaKind::Device, certificate, key)?,
            "API_DEVICE_CA_CERT_FILE",
            certificate,
        )?;
        let retired = retired(config, &authority)?;
        let mut authorities = vec![known("device", authority.certificate())];
        authorities.extend(
            retired
                .iter()
                .map(|authority| known("device_retired", authority.certificate())),
        );
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
            authorities.extend(root.iter().map(|root| known("root", root)));
        }
        let server = read("API_SERVER_CA_CERT_FILE", &config.server_ca_cert)?;
        authorities.extend(server.iter().map(|server| known("server", server)));
        Ok(Self {
            signer: Signer::new(authority, retired, config.device_cert_days),
            device_chain,
            server_chain: server.iter().map(Certificate::pem).collect(),
            authorities,
        })
    }
}

fn known(role: &'static str, certificate: &Certificate) -> KnownAuthority {
    KnownAuthority {
        role,
        certificate: certificate.clone(),
    }
}

fn named(ca: IssuingCa, setting: &'static str, path: &Path) -> Result<Authority, PkiError> {
    Authority::new(ca).ok_or_else(|| PkiError::KeyIdentifier {
        setting,
        path: path.to_owned(),
    })
}

/// Each with its key beside it. The one that signs may stand among them, so that a rotation changes
/// one setting only.
fn retired(config: &PkiConfig, signing: &Authority) -> Result<Vec<Authority>, PkiError> {
    let mut retired: Vec<Authority> = Vec::new();
    for path in &config.device_ca_retired {
        let ca = IssuingCa::load(CaKind::Device, path, &path.with_extension("key"));
        let ca = ca.map_err(|error| PkiError::Retired {
            path: path.clone(),
            error,
        })?;
        let authority = named(ca, "API_DEVICE_CA_RETIRED_FILES", path)?;
        let issuer = authority.issuer();
        if issuer != signing.issuer() && retired.iter().all(|there| there.issuer() != issuer) {
            retired.push(authority);
        }
    }
    Ok(retired)
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
