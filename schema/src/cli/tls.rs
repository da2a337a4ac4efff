//! TLS to the database, against one CA file.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Failure;

/// Accepts servers with a certificate of this CA and the host name of the URL, nobody else.
pub(crate) fn connector(ca_file: &Path) -> Result<MakeRustlsConnect, Failure> {
    let refuse =
        |why: String| Failure::config(anyhow::anyhow!("the CA file {} {why}", ca_file.display()));
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(ca_file)
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| refuse(format!("is not PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| refuse(format!("holds no usable CA: {error}")))?;
    }
    if roots.is_empty() {
        return Err(refuse("holds no certificate".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
