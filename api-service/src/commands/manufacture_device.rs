//! `POST /api/v1/manufacturing/devices`: from a signing request to a device with its certificate.
//!
//! The name comes from the registration; only the public key and the proof of its possession are
//! taken from the signing request. Device and certificate are committed before the answer leaves, so
//! a certificate that anybody holds is one that the database knows.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use certs::{Certificate, CheckedCsr};
use schema::{CertificateState, DeviceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::RUNS_MAX;
use crate::api::Api;
use crate::domain::enrolment::{Asked, Enrolment, Known, decide};
use crate::domain::idempotency::{IdempotencyKey, request_hash};
use crate::domain::label::Label;
use crate::domain::qr::Qr;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::edge::key::MaybeKey;
use crate::problem::{Code, Problem, ProblemView};
use crate::store::certificate::CertificateRow;
use crate::store::device::{DeviceRow, NewDevice};
use crate::store::idempotency::{Claim, Seen};
use crate::store::{StoreError, Tx};

/// Says that an answer was given before, to the same request with the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = ManufactureDevice)]
#[expect(
    dead_code,
    reason = "describes the body that `Request::read` reads field by field"
)]
pub(crate) struct Wire {
    /// 1 to 64 of the characters `A-Z a-z 0-9 _ -`, and no reserved word.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "tent-0001")]
    device_id: String,
    /// What the device is.
    #[schema(min_length = 1, max_length = 64, example = "GrowTent-2")]
    model: String,
    /// Its firmware.
    #[schema(min_length = 1, max_length = 64, example = "1.4.2")]
    firmware_version: Option<String>,
    /// A PKCS#10 signing request in PEM, P-256, at most 8 KiB. Its subject and requested extensions
    /// are not taken over.
    csr: String,
    /// Another certificate for a device that is registered. A `manufacturer` renews with the same
    /// key; only an `admin` may give the device another one.
    #[schema(default = false)]
    renew: Option<bool>,
}

/// The same, read and checked.
struct Request {
    device_id: DeviceId,
    model: Label,
    firmware_version: Option<Label>,
    csr: CheckedCsr,
    renew: bool,
}

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
    /// The code for the device's label.
    qr: Qr,
}

/// What a run of the command came to.
enum Outcome {
    Made,
    Replayed(Value),
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
        (status = 401, body = ProblemView, content_type = "application/problem+json"),
        (status = 403, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "A renewal of an unknown device"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The id is taken, the device is revoked or of another model"),
        (status = 422, body = ProblemView, content_type = "application/problem+json"),
        (status = 503, body = ProblemView, content_type = "application/problem+json"),
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
    let issued = api
        .signer
        .issue(request.csr.clone(), &request.device_id, now)
        .await;
    let certificate = issued.map_err(Problem::internal)?;
    api.metrics
        .signatures
        .with_label_values(&["device_certificate"])
        .inc();
    let answer = ManufacturedDevice::new(&request.device_id, &certificate, &api.device_chain);
    let body = serde_json::to_value(&answer).map_err(Problem::internal)?;

    let account = account.key();
    let run = Run {
        api: &api,
        request: &request,
        certificate: &certificate,
        may_replace_key,
        claim: key
            .as_ref()
            .map(|key| (account.as_str(), key, request.hash())),
        body: &body,
    };
    let created = StatusCode::CREATED;
    match run.to_its_end().await? {
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

/// One command with all it needs.
struct Run<'a> {
    api: &'a Api,
    request: &'a Request,
    certificate: &'a Certificate,
    may_replace_key: bool,
    claim: Option<(&'a str, &'a IdempotencyKey, [u8; 32])>,
    body: &'a Value,
}

impl Run<'_> {
    /// Runs the command, again from its start when the database asks for it.
    async fn to_its_end(&self) -> Result<Outcome, Problem> {
        for _ in 1..RUNS_MAX {
            match self.once().await {
                Err(Failure::Store(error)) if error.is_retry() => {}
                other => return other.map_err(Problem::from),
            }
        }
        self.once().await.map_err(Problem::from)
    }

    async fn once(&self) -> Result<Outcome, Failure> {
        let mut connection = self.api.store.connect().await?;
        let tx = connection.begin("manufacture_device").await?;
        let claim = self.claim.as_ref().map(|(account, key, hash)| Claim {
            account,
            key,
            request_hash: hash,
        });
        if let Some(claim) = claim {
            match tx.claim(claim).await? {
                Seen::New => {}
                Seen::Answered(body) => return Ok(Outcome::Replayed(body)),
                Seen::Other => return Err(Failure::Problem(key_reused())),
            }
        }
        self.enrol(&tx).await?;
        tx.insert_certificate(&self.request.device_id, self.certificate)
            .await?;
        if let Some(claim) = claim {
            tx.keep_answer(claim, StatusCode::CREATED.as_u16(), self.body)
                .await?;
        }
        tx.commit().await?;
        Ok(Outcome::Made)
    }

    async fn enrol(&self, tx: &Tx<'_>) -> Result<(), Failure> {
        let id = &self.request.device_id;
        let new = NewDevice {
            device_id: id,
            model: self.request.model.as_str(),
            firmware_version: self.request.firmware_version.as_ref().map(Label::as_str),
            public_key: self.request.csr.public_key().der(),
        };
        let asked = self.request.asked(self.may_replace_key);
        let mut row = tx.lock_device(id).await?;
        if row.is_none() && !asked.renew {
            if tx.insert_device(new).await? {
                return Ok(());
            }
            // Somebody else was quicker; now the row is there to be judged.
            row = tx.lock_device(id).await?;
        }
        let known = match row {
            Some(row) => Some(known(row, &tx.certificates(id).await?)),
            None => None,
        };
        match decide(known.as_ref(), asked).map_err(|refusal| Failure::Problem(refusal.into()))? {
            // The row that stood in the way is gone again; devices are not deleted, so this is odd
            // enough to be tried again by the caller.
            Enrolment::New => Err(Failure::Problem(Problem::new(Code::Busy, "try again"))),
            Enrolment::Renewal { retire } => {
                for fingerprint in &retire {
                    tx.retire_certificate(fingerprint).await?;
                }
                Ok(tx.renew_device(new).await?)
            }
        }
    }
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

fn key_reused() -> Problem {
    let detail = "this Idempotency-Key was used for another request; take a new one";
    Problem::new(Code::IdempotencyKeyReused, detail)
}

impl Request {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let device_id = fields.required("deviceId", DeviceId::register);
        let model = fields.required("model", Label::parse);
        let firmware_version = fields.optional("firmwareVersion", Label::parse);
        let csr = fields.required("csr", |text| CheckedCsr::parse(text.as_bytes()));
        let renew = fields.flag("renew");
        fields.finish()?;
        let (Some(device_id), Some(model), Some(csr)) = (device_id, model, csr) else {
            return Err(Problem::internal("a missing field was not noted"));
        };
        Ok(Self {
            device_id,
            model,
            firmware_version,
            csr,
            renew,
        })
    }

    fn asked(&self, may_replace_key: bool) -> Asked<'_> {
        Asked {
            renew: self.renew,
            public_key: self.csr.public_key().der(),
            model: self.model.as_str(),
            may_replace_key,
        }
    }

    /// Two requests that ask for the same have the same hash, however their JSON is written. Another
    /// signing request for the same key asks for the same: ECDSA signs differently each time.
    fn hash(&self) -> [u8; 32] {
        let firmware = self.firmware_version.as_ref().map_or("", Label::as_str);
        request_hash(&[
            b"manufacture_device",
            self.device_id.as_str().as_bytes(),
            self.model.as_str().as_bytes(),
            firmware.as_bytes(),
            self.csr.public_key().der(),
            &[u8::from(self.renew)],
        ])
    }
}

impl ManufacturedDevice {
    fn new(id: &DeviceId, certificate: &Certificate, chain: &str) -> Self {
        let fingerprint = certificate.fingerprint().to_string();
        Self {
            device_id: id.to_string(),
            certificate: certificate.pem(),
            chain: chain.to_owned(),
            qr: Qr::new(id.as_str(), &fingerprint),
            fingerprint,
            serial: certificate.serial().to_string(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        }
    }
}

/// Why a run ended without a device.
enum Failure {
    Store(StoreError),
    Problem(Problem),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Problem(problem) => problem,
        }
    }
}
