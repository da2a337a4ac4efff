//! A device's key and the signing requests it makes.

use std::str::FromStr;

use der::EncodePem;
use der::pem::LineEnding;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use x509_cert::builder::{Builder, RequestBuilder};
use x509_cert::name::Name;

/// A device's key.
pub struct Key(SigningKey);

impl Key {
    pub fn new() -> Self {
        Self(SigningKey::generate())
    }

    /// A signing request in PEM under a name.
    pub fn request(&self, common_name: &str) -> String {
        let name = Name::from_str(&format!("CN={common_name}")).unwrap();
        let request = RequestBuilder::new(name)
            .unwrap()
            .build::<_, DerSignature>(&self.0)
            .unwrap();
        request.to_pem(LineEnding::LF).unwrap()
    }
}
