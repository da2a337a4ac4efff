//! `POST` and `DELETE /api/v1/devices/{id}/offer`: an owner gives a device to whoever shows a secret.
//!
//! The offer is the owner's consent and the binding the other's. Until it is taken nothing changes; a
//! new offer takes the place of the one before.

use axum::extract::State;
use axum::http::StatusCode;
use schema::DeviceId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::binding::DEVICE;
use super::keyed::{Answer, Given, Keyed, once_by_key};
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::{Actor, Entry};
use crate::domain::claim_secret::ClaimSecret;
use crate::domain::claim_time::{OFFER_MINUTES, OFFER_MINUTES_MAX};
use crate::domain::idempotency::request_hash;
use crate::domain::lifecycle_table::Move;
use crate::domain::qr::{Qr, QrText};
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;

/// What the owner may send.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = OfferDevice,
    example = json!({"minutes": 60})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// How long the offer stands.
    #[schema(minimum = 1, maximum = 10080, default = 1440)]
    minutes: Option<u32>,
}

/// An offer. Its secret is told here once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfferView {
    /// The device.
    device_id: String,
    /// Who binds the device with this takes it over. Absent when the answer is given again: another
    /// offer has another secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<Qr>,
    /// Until then.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
}

/// Offers a device to another owner.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/offer", operation_id = "offerDevice",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id"), KeyHeader),
    request_body = Option<Wire>,
    responses(
        (status = 201, body = OfferView, description = "The offer; its secret is told only here"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Nobody owns it, or it is revoked"),
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
    let hash = request_hash(&[b"offer_device", id.as_str().as_bytes(), &fields.hash()]);
    let minutes = fields.number("minutes", 1..=OFFER_MINUTES_MAX);
    fields.finish()?;
    let secret = ClaimSecret::from_random(rand::random());
    let minutes = minutes.unwrap_or(OFFER_MINUTES);
    let now: OffsetDateTime = (api.clock)().into();
    let view = OfferView {
        device_id: id.to_string(),
        expires_at: now + Duration::minutes(minutes.into()),
        qr: Some(QrText::token(id.as_str(), secret.clone()).drawn()),
    };
    let offer = Offer {
        id: &id,
        asker: account.asker(),
        minutes,
        hash: secret.hash(),
        view: &view,
    };
    once_by_key(&api, key.claim(&account, hash), &offer).await
}

/// Takes an offer back.
#[utoipa::path(
    delete, path = "/api/v1/devices/{id}/offer", operation_id = "withdrawOffer",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 204, description = "The secret is worth nothing any more"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No such device, or no offer of it"),
    )
)]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<StatusCode, Problem> {
    let asker = account.asker();
    to_its_end(&api, &Withdraw { id: &id, asker }).await?;
    Ok(StatusCode::NO_CONTENT)
}

struct Offer<'a> {
    id: &'a DeviceId,
    asker: Asker,
    minutes: u32,
    hash: [u8; 32],
    view: &'a OfferView,
}

impl Keyed for Offer<'_> {
    const NAME: &'static str = "offer_device";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        require_device(tx, self.asker, self.id, Level::Own).await?;
        device
            .standing()
            .after(Move::Transfer)
            .map_err(Problem::from)?;
        let seconds = f64::from(self.minutes) * 60.0;
        tx.put_device_claim(self.id, &self.hash, Some(seconds))
            .await?;
        let actor = Actor::Account(self.asker.account.uuid());
        let entry = Entry::done(actor, "device.offer", DEVICE, self.id.as_str());
        tx.audit(entry.changed(None, json!({"minutes": self.minutes})))
            .await?;
        Ok(Answer::new(StatusCode::CREATED, self.view)?.telling_once(&["qr"]))
    }
}

struct Withdraw<'a> {
    id: &'a DeviceId,
    asker: Asker,
}

impl Command for Withdraw<'_> {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("withdraw_offer").await?;
        tx.lock_device(self.id)
            .await?
            .ok_or_else(Problem::unknown_device)?;
        require_device(&tx, self.asker, self.id, Level::Own).await?;
        if !tx.withdraw_offer(self.id).await? {
            let detail = "no offer of this device stands";
            return Err(Problem::new(Code::OfferNotFound, detail).into());
        }
        let actor = Actor::Account(self.asker.account.uuid());
        let entry = Entry::done(actor, "device.withdraw_offer", DEVICE, self.id.as_str());
        tx.audit(entry).await?;
        Ok(tx.commit().await?)
    }
}
