//! Whom a device trusts as its broker: the server CA's certificates, and nothing of the system's.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::failure::Failure;

/// A trust list is a handful of certificates.
const MAX_BYTES: usize = 256 * 1_024;

/// What all devices of a process share for TLS: made once, cloned by reference.
#[derive(Clone, Debug)]
pub struct ServerTrust {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) verifier: Arc<WebPkiServerVerifier>,
}

impl ServerTrust {
    /// Reads the certificates from a PEM file.
    pub fn from_file(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| {
            Failure::config(format!(
                "cannot read --server-trust {}: {error}",
                path.display()
            ))
        })?;
        Self::from_pem(&bytes, &format!("--server-trust {}", path.display()))
    }

    /// Takes the certificates in `pem`; `origin` names them in the error.
    pub fn from_pem(pem: &[u8], origin: &str) -> Result<Self, Failure> {
        let bad = |what: &str| {
            Failure::config(format!(
                "{origin} {what}: it must hold the CA certificates of the broker in PEM"
            ))
        };
        if pem.len() > MAX_BYTES {
            return Err(bad("is far too large"));
        }
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| bad("is not PEM"))?;
            roots
                .add(certificate)
                .map_err(|_| bad("holds something that is no certificate"))?;
        }
        if roots.is_empty() {
            return Err(bad("holds no certificate"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| bad(&format!("cannot be used ({error})")))?;
        Ok(Self { provider, verifier })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_file_without_a_certificate_is_refused_with_the_mend() {
        let empty_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for bad in ["", "hello", empty_pem] {
            let failure =
                ServerTrust::from_pem(bad.as_bytes(), "--server-trust x.pem").unwrap_err();
            assert_eq!(failure.code(), 78);
            assert!(
                failure.to_string().starts_with("--server-trust x.pem"),
                "{failure}"
            );
            assert!(failure.to_string().contains("CA certificates"), "{failure}");
        }
        assert!(ServerTrust::from_pem(&vec![b' '; MAX_BYTES + 1], "x").is_err());
        assert_eq!(
            ServerTrust::from_file(Path::new("/none/x.pem"))
                .unwrap_err()
                .code(),
            78
        );
    }
}
