//! `POST /api/v1/devices/{id}/recovery/enrol`: a device whose certificate ran out gets another one.
//!
//! The device has no token, and its certificate is worth nothing any more. It proves itself by a
//! signing request with the very key it is registered with, and its owner or maker must have approved
//! it before. Whoever copies the request gets a certificate that is useless without that key. Every
//! refusal is the same, so nobody learns here which devices there are.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use certs::{Certificate, CheckedCsr};
use schema::{CertificateState, DeviceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::binding::DEVICE;
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::enrolment::ACTIVE_CERTIFICATES_MAX;
use crate::domain::lifecycle_table::Move;
use crate::edge::body::Body;
use crate::edge::path::DevicePath;
use crate::openapi::EXAMPLE_CSR;
use crate::problem::{Code, Problem, ProblemView};

/// What the device sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = RecoverDevice,
    example = json!({"csr": EXAMPLE_CSR})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// A PKCS#10 signing request in PEM with the device's registered key, at most 8 KiB. Nothing else
    /// of it is taken over.
    #[schema(max_length = 8192, pattern = "^[\\t\\n\\r -~]+$")]
    csr: String,
}

/// The device's new certificate.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveredDevice {
    /// The device's id.
    device_id: String,
    /// Its certificate, PEM.
    certificate: String,
    /// The issuers of the certificate, PEM.
    chain: String,
    /// SHA-256 over the certificate's DER, upper-case hexadecimal with colons.
    fingerprint: String,
    /// First second of validity: an hour back, for devices without a clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_before: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_after: OffsetDateTime,
}

/// Enrols a device anew. Needs no token: the device's key and an approval speak for it.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/recovery/enrol", operation_id = "recoverDevice",
    tag = "certificates",
    params(("id" = String, Path, description = "The device's id")),
    request_body = Wire,
    responses(
        (status = 201, body = RecoveredDevice, description = "The certificate"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No such device, another key, or nobody approved it"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 429, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    DevicePath(id): DevicePath,
    Body(mut fields): Body,
) -> Result<(StatusCode, Json<RecoveredDevice>), Problem> {
    api.guesses.admit(None).await?;
    let csr = fields.required("csr", |text| CheckedCsr::parse(text.as_bytes()));
    fields.finish()?;
    let csr = csr.ok_or_else(|| Problem::internal("a missing field was not noted"))?;
    let recover = Recover { id: &id, csr: &csr };
    match to_its_end(&api, &recover).await? {
        Some(certificate) => Ok((StatusCode::CREATED, Json(view(&api, &id, &certificate)))),
        None => {
            api.guesses.wrong(None).await;
            let detail = "there is no such device with this key, or nobody approved its recovery";
            Err(Problem::new(Code::RecoveryNotFound, detail))
        }
    }
}

fn view(api: &Api, id: &DeviceId, certificate: &Certificate) -> RecoveredDevice {
    RecoveredDevice {
        device_id: id.to_string(),
        certificate: certificate.pem(),
        chain: api.device_chain.clone(),
        fingerprint: certificate.fingerprint().to_string(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
    }
}

struct Recover<'a> {
    id: &'a DeviceId,
    csr: &'a CheckedCsr,
}

impl Command for Recover<'_> {
    /// `None` if the device may not.
    type Done = Option<Certificate>;

    async fn once(&self, api: &Api) -> Result<Option<Certificate>, Failure> {
        let id = self.id;
        let point = api.lists.points.draw(&api.store, rand::random()).await?;
        let (crl_shard, crl_url) = point.map(|point| (point.shard, point.url)).unzip();
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("recover_device").await?;
        let Some(device) = tx.lock_device(id).await? else {
            return Ok(None);
        };
        let is_key = device.public_key == self.csr.public_key().der();
        let may = device.standing().after(Move::Certify).is_ok();
        if !is_key || !may || !tx.use_recovery(id).await? {
            return Ok(None);
        }
        let now = (api.clock)().into();
        let issued = api.signer.issue(self.csr.clone(), id, now, crl_url).await;
        let certificate = issued.map_err(Problem::internal)?;
        let known = tx.certificates(id).await?.into_iter();
        let active = known.filter(|row| row.state == CertificateState::Active);
        for older in active.skip(ACTIVE_CERTIFICATES_MAX - 1) {
            tx.retire_certificate(&older.fingerprint).await?;
        }
        tx.insert_certificate(id, &certificate, crl_shard).await?;
        let after = json!({"fingerprint": certificate.fingerprint().to_string()});
        let entry = Entry::done(Actor::Stranger, "device.recover", DEVICE, id.as_str());
        tx.audit(entry.changed(None, after)).await?;
        tx.commit().await?;
        let signatures = &api.metrics.signatures;
        signatures.with_label_values(&["device_certificate"]).inc();
        Ok(Some(certificate))
    }
}
