//! A claim is confirmed: the device gets its owner.
//!
//! The device says so itself, over MQTT; that is the gateway's. `POST
//! /api/v1/devices/{id}/binding/confirm` is for an administrator who stands in for a device that
//! cannot speak.

use axum::Json;
use axum::extract::State;
use schema::BindingState;
use schema::words::SEND_BIND_COMMAND;
use serde_json::json;

use super::binding::{DEVICE, lapse, place};
use super::holder::target;
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::{Actor, Entry};
use crate::domain::holder::Holder;
use crate::domain::lifecycle_table::{Illegal, Move};
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::path::DevicePath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;
use crate::store::binding::BindingRow;
use crate::views::BindingView;
use schema::DeviceId;

/// Confirms a claim for the device.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/binding/confirm", operation_id = "confirmBinding",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 200, body = BindingView, description = "The device has its owner, or the claim was refused because the claimant lost the right to it"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Nobody claims the device, or it is suspended or revoked"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<Json<BindingView>, Problem> {
    account.require(Right::Everything)?;
    let confirm = Confirm {
        id: &id,
        actor: Actor::Account(account.id().uuid()),
    };
    to_its_end(&api, &confirm).await?;
    let row = api.store.connect().await?.latest_binding(&id, None).await?;
    let row = row.ok_or_else(|| Problem::internal("a confirmed claim is gone"))?;
    Ok(Json(row.into()))
}

struct Confirm<'a> {
    id: &'a DeviceId,
    actor: Actor,
}

impl Command for Confirm<'_> {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("confirm_binding").await?;
        confirm_binding(&tx, self.id, self.actor).await?;
        Ok(tx.commit().await?)
    }
}

/// Confirms the pending claim on a device: it is its claimant's from now on. If the claimant lost the
/// right to it meanwhile, the claim is refused instead, which counts as done.
async fn confirm_binding(tx: &Tx<'_>, id: &DeviceId, actor: Actor) -> Result<(), Failure> {
    // The organization comes before the device, as everywhere: its groups stay until this is done. The
    // claim's place in the plan was taken when it was made.
    let meant = tx.pending_binding(id).await?;
    let held = meant.and_then(|row| row.holder.organization());
    if let Some(organization) = held {
        tx.lock_organization(organization).await?;
    }
    let device = tx.lock_device(id).await?;
    let device = device.ok_or_else(Problem::unknown_device)?;
    device
        .standing()
        .after(Move::Confirm)
        .map_err(Problem::from)?;
    let binding = tx.pending_binding(id).await?.filter(|row| !row.is_late);
    // Another claim took its place before the device was held: that one is not what was confirmed.
    let binding = binding.filter(|row| row.holder.organization() == held);
    let binding = binding.ok_or_else(|| Problem::from(Illegal::NotPending))?;
    if !may_still(tx, &binding).await? {
        lapse(tx, &device, &binding, BindingState::Refused, actor).await?;
        return Ok(());
    }
    tx.end_binding(binding.binding_id, BindingState::Bound)
        .await?;
    tx.give_device(id, binding.holder, false).await?;
    tx.spend_device_claim(id).await?;
    tx.withdraw_from_outbox(SEND_BIND_COMMAND, id.as_str())
        .await?;
    let told = json!({"deviceId": id.as_str(), "bindingId": binding.binding_id});
    tx.notify(binding.claimant, "device_bound", &told).await?;
    let entry = Entry::done(actor, "device.bind", DEVICE, id.as_str());
    tx.audit(entry.changed(None, place(binding.holder))).await?;
    Ok(())
}

/// Minutes have passed since the claim: the account may be disabled by now, and the claimant out of
/// the organization.
async fn may_still(tx: &Tx<'_>, binding: &BindingRow) -> Result<bool, Failure> {
    if tx.is_disabled(binding.claimant).await? {
        return Ok(false);
    }
    let Holder::Organization(organization, group) = binding.holder else {
        return Ok(true);
    };
    let asker = Asker {
        account: binding.claimant,
        is_admin: false,
    };
    match target(tx, asker, Some(organization), group).await {
        Ok(_) => Ok(true),
        Err(problem) if problem.is_refusal() => Ok(false),
        Err(problem) => Err(problem.into()),
    }
}
