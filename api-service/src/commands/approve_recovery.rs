//! `POST` and `DELETE /api/v1/devices/{id}/recovery`: a device whose certificate ran out may enrol once
//! more.
//!
//! The owner approves it, or the maker, who answers for the device's key.

use axum::extract::State;
use axum::http::StatusCode;
use schema::DeviceId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::binding::DEVICE;
use super::keyed::{Answer, Given, Keyed, once_by_key};
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::{Actor, Entry};
use crate::domain::idempotency::request_hash;
use crate::domain::lifecycle_table::Move;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::body::OptionalBody;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;

/// How long an approval stands unless the caller says otherwise: a day, for somebody to switch the
/// device on.
const HOURS: u32 = 24;

/// The longest: a week.
const HOURS_MAX: u32 = 7 * 24;

/// What the caller may send.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ApproveRecovery,
    example = json!({"hours": 24})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// How long the approval stands.
    #[schema(minimum = 1, maximum = 168, default = 24)]
    hours: Option<u32>,
}

/// An approval.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryView {
    /// The device.
    device_id: String,
    /// It may enrol once until then.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
}

/// Approves one recovery of a device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/recovery", operation_id = "approveRecovery",
    tag = "certificates", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id"), KeyHeader),
    request_body = Option<Wire>,
    responses(
        (status = 201, body = RecoveryView, description = "It may enrol once"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The device is revoked"),
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
    let hash = request_hash(&[b"approve_recovery", id.as_str().as_bytes(), &fields.hash()]);
    let hours = fields.number("hours", 1..=HOURS_MAX);
    fields.finish()?;
    let approve = Approve {
        id: &id,
        account: &account,
        hours: hours.unwrap_or(HOURS),
    };
    once_by_key(&api, key.claim(&account, hash), &approve).await
}

/// Takes an approval back.
#[utoipa::path(
    delete, path = "/api/v1/devices/{id}/recovery", operation_id = "withdrawRecovery",
    tag = "certificates", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 204, description = "The device may not enrol any more"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No such device, or no approval of it"),
    )
)]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<StatusCode, Problem> {
    let withdraw = Withdraw {
        id: &id,
        account: &account,
    };
    to_its_end(&api, &withdraw).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The maker may, and whoever manages the device.
async fn permit(tx: &Tx<'_>, account: &Account, id: &DeviceId) -> Result<(), Problem> {
    if !account.has(Right::Enrol) {
        require_device(tx, account.asker(), id, Level::Manage).await?;
    }
    Ok(())
}

struct Approve<'a> {
    id: &'a DeviceId,
    account: &'a Account,
    hours: u32,
}

impl Keyed for Approve<'_> {
    const NAME: &'static str = "approve_recovery";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        permit(tx, self.account, self.id).await?;
        device
            .standing()
            .after(Move::Certify)
            .map_err(Problem::from)?;
        let by = self.account.id();
        let seconds = f64::from(self.hours) * 3600.0;
        let expires_at = tx.approve_recovery(self.id, by, seconds).await?;
        let actor = Actor::Account(by.uuid());
        let entry = Entry::done(actor, "device.approve_recovery", DEVICE, self.id.as_str());
        tx.audit(entry.changed(None, json!({"hours": self.hours})))
            .await?;
        let view = RecoveryView {
            device_id: self.id.to_string(),
            expires_at,
        };
        Ok(Answer::new(StatusCode::CREATED, &view)?)
    }

    /// Whoever lost the device since learns nothing of it.
    async fn permit_again(&self, tx: &Tx<'_>) -> Result<(), Failure> {
        let device = tx.lock_device(self.id).await?;
        device.ok_or_else(Problem::unknown_device)?;
        Ok(permit(tx, self.account, self.id).await?)
    }
}

struct Withdraw<'a> {
    id: &'a DeviceId,
    account: &'a Account,
}

impl Command for Withdraw<'_> {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("withdraw_recovery").await?;
        tx.lock_device(self.id)
            .await?
            .ok_or_else(Problem::unknown_device)?;
        permit(&tx, self.account, self.id).await?;
        if !tx.close_recovery(self.id).await? {
            let detail = "no recovery of this device is approved";
            return Err(Problem::new(Code::RecoveryNotFound, detail).into());
        }
        let actor = Actor::Account(self.account.id().uuid());
        let entry = Entry::done(actor, "device.withdraw_recovery", DEVICE, self.id.as_str());
        tx.audit(entry).await?;
        Ok(tx.commit().await?)
    }
}
