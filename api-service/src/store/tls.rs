//! TLS towards the database: our CA file, ring, nothing else.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why the CA file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// Not readable or not PEM.
    #[error("cannot be read as PEM certificates: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// No certificate, or one that is no certificate.
    #[error("has no usable certificate")]
    Empty,
    /// rustls refused.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// A connector that trusts the certificates of one file.
pub(crate) fn connector(ca_file: &Path) -> Result<MakeRustlsConnect, TlsError> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(ca_file).map_err(TlsError::Pem)?;
    for certificate in certificates {
        roots
            .add(certificate.map_err(TlsError::Pem)?)
            .map_err(|_| TlsError::Empty)?;
    }
    if roots.is_empty() {
        return Err(TlsError::Empty);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(matches!(connector(&file), Err(TlsError::Pem(_))));
        for text in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            std::fs::write(&file, text).unwrap();
            assert!(matches!(connector(&file), Err(TlsError::Empty)), "{text:?}");
        }
    }
}
