//! Signing, and looking at what was signed before anybody else does.
//!
//! A fault while signing (a bad memory cell, a bug in an encoder) must not leave the process as a
//! certificate, so each one is parsed again and its signature verified over the parsed bytes.

use der::Encode;
use p256::ecdsa::DerSignature;
use time::OffsetDateTime;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::time::Validity;

use crate::certificate::verify_signed;
use crate::profile::Profile;
use crate::{Certificate, PrivateKey, PublicKey, Serial, timestamp};

/// What went wrong inside: never the fault of an argument that passed its checks.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A part can't be written as DER.
    #[error("the certificate or list could not be encoded: {0}")]
    Encode(#[from] der::Error),
    /// The builder refused.
    #[error("the certificate could not be built: {0}")]
    Build(#[from] x509_cert::builder::Error),
    /// A key can't be written as DER.
    #[error("the public key could not be encoded: {0}")]
    Key(#[from] spki::Error),
    /// The result does not parse, or its signature does not verify.
    #[error(
        "what was signed did not stand its own check and was thrown away; \
         the issuing key's file or this machine's memory may be damaged"
    )]
    SelfCheck,
}

/// First and last second of validity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

/// Signs a certificate, parses it back and verifies it.
pub(crate) fn sign_certificate(
    profile: Profile,
    serial: Serial,
    window: Window,
    key: &PublicKey,
    signer: &PrivateKey,
) -> Result<Certificate, SignError> {
    let validity = Validity::new(
        timestamp::to_x509(window.not_before)?,
        timestamp::to_x509(window.not_after)?,
    );
    let builder = CertificateBuilder::new(profile, serial.to_x509(), validity, key.to_spki()?)?;
    let der = builder
        .build::<_, DerSignature>(signer.signer())?
        .to_der()?;
    verify_signed(&der, signer.signer().verifying_key()).ok_or(SignError::SelfCheck)?;
    let certificate = Certificate::from_der(&der).map_err(|_| SignError::SelfCheck)?;
    let kept = certificate.serial() == serial
        && certificate
            .public_key()
            .is_ok_and(|certified| certified == *key);
    if kept {
        Ok(certificate)
    } else {
        Err(SignError::SelfCheck)
    }
}
