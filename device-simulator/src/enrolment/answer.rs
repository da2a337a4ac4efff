//! What the API answers, read and checked. The one file that knows the wire form of the answers.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;

use super::{Registration, x509};
use crate::secure_element::SecureElement;
use crate::state::{DeviceRecord, Enrolment};

/// A device shows its certificate and at most this many issuers.
const MAX_CHAIN: usize = 8;

/// The body of a 201 to a registration. Unknown fields are left alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    certificate: String,
    chain: String,
    fingerprint: String,
    serial: String,
    not_before: String,
    not_after: String,
    qr: Qr,
}

#[derive(Debug, Deserialize)]
struct Qr {
    /// What the code says, exactly as it stands in it.
    text: String,
    svg: String,
}

/// Why an answer is not taken although the API meant it well.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It lacks a field or has one of another type.
    #[error(
        "the answer is not the JSON of a registered device ({0}): check that --api is this project's API of the same version"
    )]
    Form(String),
    /// A certificate is not PEM or not a certificate.
    #[error("the API's certificate or chain cannot be read")]
    Certificate,
    /// The certificate is somebody else's.
    #[error("the API's certificate is for another key than this device's")]
    OtherKey,
    /// The fingerprint does not fit.
    #[error("the API's fingerprint is not that of its certificate")]
    Fingerprint,
}

/// Reads the body.
pub(super) fn parse(bytes: &[u8]) -> Result<Answer, AnswerError> {
    serde_json::from_slice(bytes).map_err(|error| AnswerError::Form(error.to_string()))
}

/// Believes nothing that can be checked here: the key must be ours and the fingerprint right.
pub(super) fn check(
    answer: Answer,
    registration: &Registration,
    element: &SecureElement,
) -> Result<Enrolment, AnswerError> {
    let leaf = certificates(&answer.certificate)?;
    let [leaf] = leaf.as_slice() else {
        return Err(AnswerError::Certificate);
    };
    let mut chain = vec![leaf.clone()];
    for issuer in certificates(&answer.chain)? {
        // Some APIs begin the chain with the certificate itself.
        if !chain.contains(&issuer) {
            chain.push(issuer);
        }
    }
    if chain.len() > MAX_CHAIN + 1 {
        return Err(AnswerError::Certificate);
    }
    let key = x509::public_key_der(leaf).ok_or(AnswerError::Certificate)?;
    if key != element.public_key_der() {
        return Err(AnswerError::OtherKey);
    }
    let fingerprint = x509::fingerprint(leaf);
    let plain = |text: &str| text.replace(':', "").to_uppercase();
    if plain(&answer.fingerprint) != plain(&fingerprint) {
        return Err(AnswerError::Fingerprint);
    }
    let chain_pem = chain
        .iter()
        .map(|certificate| to_pem(certificate))
        .collect();
    let record = DeviceRecord {
        device_id: registration.device_id.clone(),
        model: registration.model.clone(),
        firmware_version: registration.firmware_version.clone(),
        fingerprint,
        serial: answer.serial,
        not_before: answer.not_before,
        not_after: answer.not_after,
        qr_payload: answer.qr.text,
    };
    Ok(Enrolment {
        record,
        chain,
        chain_pem,
        qr_svg: answer.qr.svg,
    })
}

/// The PEM of the broker's CA in the answer of `GET /api/v1/certificates/ca`.
pub(super) fn server_trust(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Authorities {
        trust: String,
    }
    let answer: Authorities = serde_json::from_slice(bytes).ok()?;
    Some(answer.trust).filter(|pem| pem.contains("BEGIN CERTIFICATE"))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, AnswerError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| AnswerError::Certificate)
}

fn to_pem(certificate: &[u8]) -> String {
    der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, certificate)
        .expect("the label is well-formed and memory is the only limit")
}
