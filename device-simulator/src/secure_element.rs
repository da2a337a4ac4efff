//! A software secure element: what an ATECC608A is to a real controller.
//!
//! The P-256 key is made inside and never leaves: there is no method that returns the scalar, only
//! ones that sign with it. It is kept across restarts in a file that this module alone writes and
//! reads ([`key_file`]), as a real chip keeps its slot without power. The TLS stack gets a handle
//! that asks this module for signatures ([`tls`]) and never sees a key byte.
//!
//! ```compile_fail
//! # fn leak(element: &device_simulator::secure_element::SecureElement) {
//! let scalar = element.key.to_bytes();
//! # }
//! ```

mod csr;
mod key_file;
mod tls;

use std::fmt;
use std::path::Path;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use sha2::{Digest, Sha256};
use spki::EncodePublicKey;

pub use csr::CertificateRequest;
pub use key_file::KeyFileError;
pub use tls::TlsIdentity;

use crate::hex;

/// One device's key store and signer.
pub struct SecureElement {
    key: SigningKey,
}

impl SecureElement {
    /// Opens the element whose memory is the file `path`, making a key there if there is none.
    ///
    /// An existing key is never replaced. A file that others can read is refused.
    pub fn open_or_make(path: &Path) -> Result<Self, KeyFileError> {
        if let Some(key) = key_file::read(path)? {
            return Ok(Self { key });
        }
        let key = SigningKey::generate();
        key_file::write_new(path, &key)?;
        Ok(Self { key })
    }

    /// The public key as a DER `SubjectPublicKeyInfo`.
    pub fn public_key_der(&self) -> Vec<u8> {
        self.key
            .verifying_key()
            .to_public_key_der()
            .expect("a P-256 point always has a DER form")
            .into_vec()
    }

    /// An ECDSA-SHA256 signature in ASN.1 DER. Deterministic (RFC 6979): the same message gives the
    /// same signature, which keeps a repeated enrolment byte for byte the same.
    fn sign(&self, message: &[u8]) -> DerSignature {
        self.key.sign(message)
    }
}

impl fmt::Debug for SecureElement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Sha256::digest(self.public_key_der());
        write!(
            out,
            "SecureElement(public key sha256 {}..)",
            hex::lower(&digest[..8])
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::device_id::DeviceId;

    #[test]
    fn nothing_that_the_element_gives_out_contains_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let element =
            Arc::new(SecureElement::open_or_make(&folder.path().join("key.pem")).unwrap());
        let scalar = element.key.to_bytes();
        let hex = hex::lower(&scalar);
        let decimal = format!("{:?}", scalar.as_slice());
        let request = element
            .certificate_request(&DeviceId::parse("grow-0001").unwrap())
            .unwrap();
        let identity = TlsIdentity::new(Arc::clone(&element), Vec::new());
        for text in [
            format!("{element:?}"),
            format!("{request:?}"),
            format!("{identity:?}"),
        ] {
            let lower = text.to_lowercase();
            assert!(!lower.contains(&hex) && !lower.contains(&decimal), "{text}");
        }
        for bytes in [
            request.pem().as_bytes(),
            request.der(),
            &element.public_key_der(),
        ] {
            assert!(!bytes.windows(32).any(|window| window == scalar.as_slice()));
        }
    }

    #[test]
    fn a_reopened_element_holds_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let first = SecureElement::open_or_make(&path).unwrap().public_key_der();
        let second = SecureElement::open_or_make(&path).unwrap().public_key_der();
        assert_eq!(first, second);
    }

    #[test]
    fn two_elements_hold_different_keys() {
        let folder = tempfile::tempdir().unwrap();
        let a = SecureElement::open_or_make(&folder.path().join("a.pem")).unwrap();
        let b = SecureElement::open_or_make(&folder.path().join("b.pem")).unwrap();
        assert_ne!(a.public_key_der(), b.public_key_der());
    }
}
