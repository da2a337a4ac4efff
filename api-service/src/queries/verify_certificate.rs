//! `POST /api/v1/certificates/verify`: does this certificate let its device in, and if not, why?
//!
//! Whoever holds a certificate may ask, and learns by it no more of a device than they may see.

use axum::Json;
use axum::extract::State;
use certs::{Certificate, CertificateError};
use schema::{CertificateState, DeviceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::certificate_check::{Known, Reason, Record, Shown, reasons};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::require::sees;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::Connection;
use crate::store::certificate::CertificateRow;

/// Longest text that is read, in bytes. A certificate of ours has about 900.
const PEM_BYTES_MAX: usize = 16 * 1024;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = VerifyCertificate,
    example = json!({"certificate": crate::openapi::EXAMPLE_CERTIFICATE})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// One certificate in PEM, at most 16,384 bytes.
    #[schema(max_length = 16384, example = "-----BEGIN CERTIFICATE-----\n...")]
    certificate: String,
}

/// Whether a certificate lets its device in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifiedView {
    /// Whether it does, as far as the caller may know.
    valid: bool,
    /// Why not; every reason at once.
    reasons: Vec<ReasonView>,
    /// SHA-256 over its DER, upper-case hexadecimal with colons.
    fingerprint: String,
    /// Its serial number, upper-case hexadecimal.
    serial: String,
    /// Its subject, as RFC 4514 writes it.
    subject: String,
    /// Who it says signed it, likewise.
    issuer_name: String,
    /// The key identifier of our authority that did; `null` if none of ours did.
    issuer: Option<String>,
    /// First second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_before: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_after: OffsetDateTime,
    /// The device that it is registered to; `null` if the caller sees none.
    device_id: Option<String>,
}

/// One reason.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReasonView {
    /// Its stable name: `not_ours`, `not_yet_valid`, `expired`, `wrong_usage`, `wrong_key`,
    /// `not_shown`, `not_registered`, `other_device`, `retired`, `replaced`, `revoked`,
    /// `device_suspended` or `device_revoked`.
    #[schema(example = "expired")]
    code: String,
    /// What it means, for people.
    detail: String,
}

/// Judges a certificate.
#[utoipa::path(
    post, path = "/api/v1/certificates/verify", operation_id = "verifyCertificate",
    tag = "certificates", security(("bearer" = [])),
    request_body = Wire,
    responses(
        (status = 200, body = VerifiedView, description = "The judgement, good or bad"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    Body(mut fields): Body,
) -> Result<Json<VerifiedView>, Problem> {
    let certificate = fields.required("certificate", read);
    fields.finish()?;
    let certificate =
        certificate.ok_or_else(|| Problem::internal("a missing field was not noted"))?;
    let issuer = api.signer.signer_of(certificate.clone()).await;
    let issuer = issuer.map_err(Problem::internal)?;
    let shown = Shown {
        is_ours: issuer.is_some(),
        is_for_devices: certificate.is_client_leaf(),
        has_good_key: certificate.public_key().is_ok(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    };
    let connection = api.store.connect().await?;
    let (device_id, known) = look(&connection, &account, &certificate).await?;
    let reasons = reasons(&shown, known, (api.clock)().into());
    Ok(Json(VerifiedView {
        valid: reasons.is_empty(),
        reasons: reasons.into_iter().map(ReasonView::from).collect(),
        fingerprint: certificate.fingerprint().to_string(),
        serial: certificate.serial().to_string(),
        subject: certificate.subject(),
        issuer_name: certificate.issuer(),
        issuer: issuer.map(|key_id| key_id.to_string()),
        not_before: shown.not_before,
        not_after: shown.not_after,
        device_id: device_id.map(|id| id.to_string()),
    }))
}

/// One certificate, with white space around it at most.
fn read(text: &str) -> Result<Certificate, &'static str> {
    if text.len() > PEM_BYTES_MAX {
        return Err("has more than 16384 bytes");
    }
    match Certificate::read_all(text.trim().as_bytes()) {
        Ok(mut certificates) if certificates.len() == 1 => Ok(certificates.swap_remove(0)),
        Ok(_) | Err(CertificateError::TooMany) => Err("holds more than one certificate"),
        Err(CertificateError::Der(_) | CertificateError::Serial(_)) => {
            Err("is not a well-formed certificate (RFC 5280)")
        }
        Err(CertificateError::Label) => Err("is PEM of something else than a certificate"),
        Err(_) => Err("must be one certificate in PEM, -----BEGIN CERTIFICATE-----"),
    }
}

/// What the caller may know of the certificate's device.
async fn look(
    connection: &Connection,
    account: &Account,
    certificate: &Certificate,
) -> Result<(Option<DeviceId>, Known), Problem> {
    let named = certificate.common_name();
    let named = named.and_then(|name| DeviceId::parse(&name).ok());
    let found = connection.certificate(&certificate.fingerprint()).await?;
    if let Some((device_id, row)) = found
        && sees(connection, account, &device_id).await?
    {
        let device = connection.device(&device_id).await?;
        let device = device.ok_or_else(|| Problem::internal("a certificate without a device"))?;
        let all = connection.certificates(&device_id).await?;
        let is_newer = |other: &CertificateRow| {
            other.state == CertificateState::Active && other.issued_at > row.issued_at
        };
        let record = Record {
            names_its_device: named.as_ref() == Some(&device_id),
            state: row.state,
            has_newer: all.iter().any(is_newer),
            lifecycle: device.lifecycle,
            suspended: device.suspended,
        };
        return Ok((Some(device_id), Known::Registered(record)));
    }
    let would_see = match &named {
        Some(id) => sees(connection, account, id).await?,
        None => account.has(Right::ReadDevices),
    };
    let known = if would_see {
        Known::Unregistered
    } else {
        Known::Hidden
    };
    Ok((None, known))
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        Self {
            code: reason.as_str().to_owned(),
            detail: reason.detail().to_owned(),
        }
    }
}
