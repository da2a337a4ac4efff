//! The certificate request (PKCS#10, RFC 2986) that proves possession of the element's key.

use std::str::FromStr;

use der::asn1::{BitString, SetOfVec};
use der::pem::LineEnding;
use der::{Decode, Encode, EncodePem};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, Version};

use super::SecureElement;
use crate::device_id::DeviceId;

/// `ecdsa-with-SHA256` (RFC 5758 section 3.2).
const ECDSA_WITH_SHA256: der::asn1::ObjectIdentifier =
    der::asn1::ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// A signed request, in both of its forms. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    pem: String,
}

impl CertificateRequest {
    /// The DER bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `-----BEGIN CERTIFICATE REQUEST-----`.
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

impl SecureElement {
    /// A request with the subject `CN=<id>`, without attributes: the issuer takes only the public
    /// key and the proof of possession from it, whatever else it says (design section 4).
    pub fn certificate_request(&self, id: &DeviceId) -> der::Result<CertificateRequest> {
        let info = CertReqInfo {
            version: Version::V1,
            subject: Name::from_str(&format!("CN={id}"))?,
            public_key: SubjectPublicKeyInfoOwned::from_der(&self.public_key_der())?,
            attributes: SetOfVec::default(),
        };
        let signature = self.sign(&info.to_der()?);
        let request = CertReq {
            info,
            // RFC 5758: the parameters are absent, not NULL.
            algorithm: AlgorithmIdentifierOwned {
                oid: ECDSA_WITH_SHA256,
                parameters: None,
            },
            signature: BitString::from_bytes(signature.as_bytes())?,
        };
        Ok(CertificateRequest {
            der: request.to_der()?,
            pem: request.to_pem(LineEnding::LF)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn openssl_verifies_the_request_and_reads_our_subject() {
        let folder = tempfile::tempdir().unwrap();
        let element = SecureElement::open_or_make(&folder.path().join("key.pem")).unwrap();
        let request = element
            .certificate_request(&DeviceId::parse("grow_-1").unwrap())
            .unwrap();
        let mut openssl = Command::new("openssl")
            .args([
                "req", "-verify", "-noout", "-subject", "-nameopt", "RFC2253", "-text",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl is installed");
        openssl
            .stdin
            .take()
            .unwrap()
            .write_all(request.pem().as_bytes())
            .unwrap();
        let output = openssl.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{text}");
        assert!(text.contains("verify OK"), "{text}");
        assert!(text.contains("CN=grow_-1"), "{text}");
        assert!(text.contains("prime256v1"), "{text}");
    }

    #[test]
    fn the_same_key_and_id_always_give_the_same_request() {
        let folder = tempfile::tempdir().unwrap();
        let element = SecureElement::open_or_make(&folder.path().join("key.pem")).unwrap();
        let id = DeviceId::parse("grow-0001").unwrap();
        assert_eq!(
            element.certificate_request(&id).unwrap(),
            element.certificate_request(&id).unwrap()
        );
    }
}
