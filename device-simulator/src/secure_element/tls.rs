//! The element as a TLS client identity: rustls asks for a signature and gets one, nothing more.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::SecureElement;

/// Presents one certificate chain and signs the handshake in the element.
#[derive(Debug)]
pub struct TlsIdentity {
    certified: Arc<CertifiedKey>,
}

impl TlsIdentity {
    /// `chain` is the device's certificate followed by its issuers, in DER.
    pub fn new(element: Arc<SecureElement>, chain: Vec<CertificateDer<'static>>) -> Self {
        Self {
            certified: Arc::new(CertifiedKey::new(chain, Arc::new(Handle(element)))),
        }
    }
}

impl ResolvesClientCert for TlsIdentity {
    fn resolve(
        &self,
        // The broker's hints are not followed: a device has one identity and shows it, so that a
        // broker with the wrong trust refuses it aloud instead of seeing "no certificate".
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Clone, Debug)]
struct Handle(Arc<SecureElement>);

impl SigningKey for Handle {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ECDSA_NISTP256_SHA256)
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.0.public_key_der().into())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Handle {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.0.sign(message).as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scheme_of_a_p256_key_is_offered() {
        let folder = tempfile::tempdir().unwrap();
        let element = SecureElement::open_or_make(&folder.path().join("key.pem")).unwrap();
        let handle = Handle(Arc::new(element));
        assert!(
            handle
                .choose_scheme(&[SignatureScheme::RSA_PSS_SHA256])
                .is_none()
        );
        assert!(
            handle
                .choose_scheme(&[SignatureScheme::ECDSA_NISTP384_SHA384])
                .is_none()
        );
        let offered = [
            SignatureScheme::ED25519,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ];
        let signer = handle.choose_scheme(&offered).unwrap();
        assert_eq!(signer.scheme(), SignatureScheme::ECDSA_NISTP256_SHA256);
    }
}
