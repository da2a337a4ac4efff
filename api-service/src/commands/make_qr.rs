//! `POST /api/v1/devices/{id}/qr`: another QR code for a device.
//!
//! A `token` code has a new claim secret, and the one before is worth nothing from then on. Of a device
//! that nobody owns the maker makes it; of one with an owner that is the owner's alone.

use axum::extract::State;
use axum::http::StatusCode;
use schema::{CertificateState, DeviceId, Lifecycle};
use serde_json::json;
use utoipa::ToSchema;

use super::binding::DEVICE;
use super::keyed::{Answer, Given, Keyed, once_by_key};
use super::run::Failure;
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::{Actor, Entry};
use crate::domain::claim_secret::ClaimSecret;
use crate::domain::idempotency::request_hash;
use crate::domain::lifecycle_table::{Illegal, Move};
use crate::domain::qr::{Qr, QrForm, QrText};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::device::DeviceRow;

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = MakeQr,
    example = json!({"qrType": "token"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Which form; `token` if not said.
    qr_type: Option<QrForm>,
}

/// Makes another QR code.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/qr", operation_id = "makeDeviceQr",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id"), KeyHeader),
    request_body = Option<Wire>,
    responses(
        (status = 201, body = Qr, description = "The code. A secret in it is told only here"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It has a claimant, is revoked, or has no active certificate for the form; or a request with this key was told a secret"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    key: MaybeKey,
    OptionalBody(mut fields): OptionalBody,
) -> Result<Given, Problem> {
    let hash = request_hash(&[b"make_qr", id.as_str().as_bytes(), &fields.hash()]);
    let form = fields.optional("qrType", QrForm::parse);
    fields.finish()?;
    let make = Make {
        id: &id,
        account: &account,
        form: form.unwrap_or(QrForm::Token),
    };
    once_by_key(&api, key.claim(&account, hash), &make).await
}

struct Make<'a> {
    id: &'a DeviceId,
    account: &'a Account,
    form: QrForm,
}

impl Keyed for Make<'_> {
    const NAME: &'static str = "make_qr";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let device = tx.lock_device(self.id).await?;
        self.permit(tx, device.as_ref()).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        device
            .standing()
            .after(Move::Certify)
            .map_err(Problem::from)?;
        if device.lifecycle == Lifecycle::Pending {
            return Err(Problem::from(Illegal::Pending).into());
        }
        let qr = self.make(tx, &device).await?;
        let actor = Actor::Account(self.account.id().uuid());
        let entry = Entry::done(actor, "device.make_qr", DEVICE, self.id.as_str());
        let form = json!({"form": self.form});
        tx.audit(entry.changed(None, form)).await?;
        let answer = Answer::new(StatusCode::CREATED, &qr)?;
        Ok(match self.form {
            QrForm::Token => answer.all_told_once(),
            QrForm::Minimal | QrForm::Hash => answer,
        })
    }
}

impl Make<'_> {
    async fn permit(&self, tx: &Tx<'_>, device: Option<&DeviceRow>) -> Result<(), Problem> {
        let is_makers = device.is_none_or(|device| device.holder.is_none());
        if is_makers && self.account.has(Right::Enrol) {
            return Ok(());
        }
        require_device(tx, self.account.asker(), self.id, Level::Own).await?;
        Ok(())
    }

    async fn make(&self, tx: &Tx<'_>, device: &DeviceRow) -> Result<Qr, Problem> {
        let id = self.id.as_str();
        if self.form == QrForm::Token {
            let secret = ClaimSecret::from_random(rand::random());
            tx.put_device_claim(self.id, &secret.hash(), None).await?;
            return Ok(QrText::token(id, secret).drawn());
        }
        let certificates = tx.certificates(self.id).await?;
        let newest = certificates
            .iter()
            .find(|row| row.state == CertificateState::Active);
        let newest = newest.ok_or_else(|| {
            let detail = "the device has no active certificate that the code could name";
            Problem::new(Code::CertificateMissing, detail)
        })?;
        let fingerprint = newest.fingerprint.to_string();
        Ok(match self.form {
            QrForm::Hash => QrText::hash(id, &fingerprint, &device.public_key).drawn(),
            _ => QrText::minimal(id, &fingerprint).drawn(),
        })
    }
}
