//! TLS of the hooks' listener: the broker must show a certificate of the given CA.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

/// The files of the listener's TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain shown to the broker, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The CA whose client certificates are let in, PEM.
    pub client_ca: PathBuf,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFilesError {
    /// A file cannot be read or holds no PEM of the right kind.
    #[error("{setting}={path}: {reason}")]
    File {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The files do not fit together.
    #[error("the TLS files of HOOK_TLS_* do not fit together: {0}")]
    Mismatch(String),
}

impl TlsFiles {
    /// Reads the files and makes the server's side of TLS 1.2 and 1.3, on the `ring` provider.
    pub fn load(&self) -> Result<Arc<rustls::ServerConfig>, TlsFilesError> {
        let chain = certificates("HOOK_TLS_CERT_FILE", &self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| file("HOOK_TLS_KEY_FILE", &self.key, &error))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates("HOOK_TLS_CLIENT_CA_FILE", &self.client_ca)? {
            roots
                .add(certificate)
                .map_err(|error| file("HOOK_TLS_CLIENT_CA_FILE", &self.client_ca, &error))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| TlsFilesError::Mismatch(error.to_string()))?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsFilesError::Mismatch(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| TlsFilesError::Mismatch(error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(
    setting: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsFilesError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| file(setting, path, &error))?;
    if found.is_empty() {
        return Err(file(setting, path, &"holds no certificate"));
    }
    Ok(found)
}

fn file(setting: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> TlsFilesError {
    TlsFilesError::File {
        setting,
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
