//! `POST /api/v1/manufacturing/devices`: from a signing request to a device with its certificate.
//!
//! The name comes from the registration; only the public key and the proof of its possession are
//! taken from the signing request. Device and certificate are committed before the answer leaves, so
//! a certificate that anybody holds is one that the database knows.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use certs::Certificate;
use schema::{CertificateState, DeviceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use self::request::{Request, Wire};
use self::run::{Outcome, Run};
use super::run::to_its_end;
use crate::api::Api;
use crate::domain::claim_secret::ClaimSecret;
use crate::domain::enrolment::{Known, decide};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::qr::{Qr, QrForm, QrText};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{MaybeKey, REPLAYED};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::certificate::CertificateRow;
use crate::store::device::DeviceRow;

pub(super) mod request;
mod run;

/// The registered device's certificate.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManufacturedDevice {
    /// The device's id.
    device_id: String,
    /// Its certificate, PEM.
    certificate: String,
    /// The issuers of the certificate, PEM: the device authority, then the root if it is configured.
    chain: String,
    /// SHA-256 over the certificate's DER, upper-case hexadecimal with colons.
    fingerprint: String,
    /// The certificate's serial number, upper-case hexadecimal.
    serial: String,
    /// First second of validity: an hour back, for devices without a clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_before: OffsetDateTime,
    /// Last second of validity.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    not_after: OffsetDateTime,
    /// The code for the device's label. Absent when an answer with a claim secret is given again: the
    /// secret is told once, and `POST /api/v1/devices/{id}/qr` makes another.
    qr: Option<Qr>,
}

/// Registers a device, or renews its certificate.
#[utoipa::path(
    post, path = "/api/v1/manufacturing/devices", operation_id = "manufactureDevice",
    tag = "manufacturing", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 128 visible ASCII characters; the same key with the same request gets the same answer for 24 hours")),
    request_body = Wire,
    responses(
        (status = 201, body = ManufacturedDevice, description = "Registered, or renewed"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "A renewal of an unknown device"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The id is taken, the device is revoked or of another model"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    MaybeKey(key): MaybeKey,
    Body(fields): Body,
) -> Result<Response, Problem> {
    account.require(Right::Enrol)?;
    let request = Request::read(fields)?;
    let may_replace_key = account.has(Right::ReplaceKey);
    refuse_early(&api, &request, key.as_ref(), may_replace_key).await?;

    let now = (api.clock)().into();
    let point = api.lists.points.draw(&api.store, rand::random()).await?;
    let (crl_shard, crl_url) = point.map(|point| (point.shard, point.url)).unzip();
    let issued = api
        .signer
        .issue(request.csr.clone(), &request.device_id, now, crl_url)
        .await;
    let certificate = issued.map_err(Problem::internal)?;
    api.metrics
        .signatures
        .with_label_values(&["device_certificate"])
        .inc();
    let secret =
        (request.qr_form == QrForm::Token).then(|| ClaimSecret::from_random(rand::random()));
    let qr = label(&request, &certificate, secret.clone()).drawn();
    let mut answer = ManufacturedDevice::new(&request.device_id, &certificate, &api.device_chain);
    // What is kept for a repetition must not hold the secret.
    answer.qr = secret.is_none().then(|| qr.clone());
    let body = serde_json::to_value(&answer).map_err(Problem::internal)?;
    answer.qr = Some(qr);

    let actor = account.id();
    let account = actor.to_string();
    let run = Run {
        request: &request,
        certificate: &certificate,
        crl_shard,
        may_replace_key,
        claim: key
            .as_ref()
            .map(|key| (account.as_str(), key, request.hash())),
        body: &body,
        secret: secret.as_ref(),
        account: actor,
    };
    let created = StatusCode::CREATED;
    match to_its_end(&api, &run).await? {
        Outcome::Made => Ok((created, Json(answer)).into_response()),
        Outcome::Replayed(body) => Ok((created, [(REPLAYED, "true")], Json(body)).into_response()),
    }
}

/// Refuses what is bound to be refused before a signature is spent on it. The decision that counts is
/// taken again under the device's lock.
async fn refuse_early(
    api: &Api,
    request: &Request,
    key: Option<&IdempotencyKey>,
    may_replace_key: bool,
) -> Result<(), Problem> {
    // With a key the request may be a repetition, whose device exists by now.
    if key.is_some() {
        return Ok(());
    }
    let connection = api.store.connect().await?;
    let known = match connection.device(&request.device_id).await? {
        Some(row) => Some(known(
            row,
            &connection.certificates(&request.device_id).await?,
        )),
        None => None,
    };
    decide(known.as_ref(), request.asked(may_replace_key))?;
    Ok(())
}

fn known(row: DeviceRow, certificates: &[CertificateRow]) -> Known {
    Known {
        lifecycle: row.lifecycle,
        public_key: row.public_key,
        model: row.model,
        active: certificates
            .iter()
            .filter(|certificate| certificate.state == CertificateState::Active)
            .map(|certificate| certificate.fingerprint)
            .collect(),
    }
}

/// The code for a device's label; with a secret, the form that proves.
pub(super) fn label(
    request: &Request,
    certificate: &Certificate,
    secret: Option<ClaimSecret>,
) -> QrText {
    let id = request.device_id.as_str();
    let fingerprint = certificate.fingerprint().to_string();
    match (secret, request.qr_form) {
        (Some(secret), _) => QrText::token(id, secret),
        (None, QrForm::Hash) => QrText::hash(id, &fingerprint, request.csr.public_key().der()),
        (None, _) => QrText::minimal(id, &fingerprint),
    }
}

impl ManufacturedDevice {
    fn new(id: &DeviceId, certificate: &Certificate, chain: &str) -> Self {
        let fingerprint = certificate.fingerprint().to_string();
        Self {
            device_id: id.to_string(),
            certificate: certificate.pem(),
            chain: chain.to_owned(),
            qr: None,
            fingerprint,
            serial: certificate.serial().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }
}
