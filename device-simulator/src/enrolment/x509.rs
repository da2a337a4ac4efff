//! The two things a device reads from a certificate: whose key it holds, and what names it.

use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;

use crate::hex;

/// The DER `SubjectPublicKeyInfo` of a certificate in DER, or `None` if it is not one.
pub fn public_key_der(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(certificate).ok()?;
    certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .ok()
}

/// SHA-256 over the DER, upper-case hex with colons, as it is printed everywhere.
pub fn fingerprint(certificate: &[u8]) -> String {
    hex::colons(&Sha256::digest(certificate))
}
