//! `POST /api/v1/manufacturing/devices`: from a signing request to a device with its certificate.
//!
//! The name comes from the registration; only the public key and the proof of its possession are
//! taken from the signing request. Device and certificate are committed before the answer leaves, so
//! a certificate that anybody holds is one that the database knows.

use axum::extract::State;
use certs::Certificate;
use schema::{CertificateState, DeviceId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use self::request::{Request, Wire};
use self::run::Run;
use super::keyed::{Given, once_by_key};
use crate::api::Api;
use crate::domain::claim_secret::ClaimSecret;
use crate::domain::enrolment::{Known, decide};
use crate::domain::qr::{Qr, QrForm, QrText};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<Qr>,
}

/// Registers a device, or renews its certificate.
#[utoipa::path(
    post, path = "/api/v1/manufacturing/devices", operation_id = "manufactureDevice",
    tag = "manufacturing", security(("bearer" = [])),
    params(KeyHeader),
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
    key: MaybeKey,
    Body(fields): Body,
) -> Result<Given, Problem> {
    account.require(Right::Enrol)?;
    let request = Request::read(fields)?;
    let may_replace_key = account.has(Right::ReplaceKey);
    refuse_early(&api, &request, &key, may_replace_key).await?;

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
    let mut answer = ManufacturedDevice::new(&request.device_id, &certificate, &api.device_chain);
    answer.qr = Some(label(&request, &certificate, secret.clone()).drawn());
    let run = Run {
        request: &request,
        certificate: &certificate,
        crl_shard,
        may_replace_key,
        answer: &answer,
        secret: secret.as_ref(),
        account: account.id(),
    };
    once_by_key(&api, key.claim(&account, request.hash()), &run).await
}

/// Refuses what is bound to be refused before a signature is spent on it. The decision that counts is
/// taken again under the device's lock.
async fn refuse_early(
    api: &Api,
    request: &Request,
    key: &MaybeKey,
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
