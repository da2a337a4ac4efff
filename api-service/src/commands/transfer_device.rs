//! `POST /api/v1/devices/{id}/transfer`: a device goes into an organization or into another of its
//! groups.
//!
//! Within its organization that takes the right to manage it, and its owner stays the same. Into
//! another owner's hands it takes the right to give it away, and the right to put devices in there: so
//! nobody is given a device they did not ask for. To another person it goes by an offer.

use axum::extract::State;
use axum::http::StatusCode;
use schema::DeviceId;
use utoipa::ToSchema;

use super::binding::{DEVICE, end_sessions_of_losers, place};
use super::holder::hold_target;
use super::keyed::{Answer, Given, Keyed, once_by_key};
use super::plan_limit::{Takes, enforce};
use super::run::Failure;
use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::audit::{Actor, Entry};
use crate::domain::group_id::GroupId;
use crate::domain::holder::Holder;
use crate::domain::idempotency::request_hash;
use crate::domain::lifecycle_table::Move;
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::fields::Fields;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::path::DevicePath;
use crate::edge::require::require_device;
use crate::outbox::worker;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;
use crate::views::DeviceView;

/// Where the device goes: one of the two at least.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = TransferDevice,
    example = json!({"organizationId": "7d444840-9dc0-11d1-b245-5ffdce74fad2"})
)]
#[expect(
    dead_code,
    reason = "describes the body that `read_target` reads field by field"
)]
pub(crate) struct Wire {
    /// To the organization itself, below none of its groups.
    #[schema(value_type = Option<String>, format = "uuid")]
    organization_id: Option<String>,
    /// To a group; the organization may be left out then.
    #[schema(value_type = Option<String>, format = "uuid")]
    group_id: Option<String>,
}

/// Moves a device into an organization or group.
#[utoipa::path(
    post, path = "/api/v1/devices/{id}/transfer", operation_id = "transferDevice",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id"), KeyHeader),
    request_body = Wire,
    responses(
        (status = 200, body = DeviceView, description = "It is there. Repeating it changes nothing"),
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No such device, organization or group that the caller may see"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "Nobody owns it, it is revoked, or the new owner's plan has no place left"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
    key: MaybeKey,
    Body(fields): Body,
) -> Result<Given, Problem> {
    let hash = request_hash(&[b"transfer_device", id.as_str().as_bytes(), &fields.hash()]);
    let (organization, group) = read_target(fields)?;
    let transfer = Transfer {
        id: &id,
        asker: account.asker(),
        organization,
        group,
    };
    let given = once_by_key(&api, key.claim(&account, hash), &transfer).await?;
    worker::wake(&api.outbox_wake);
    Ok(given)
}

type Target = (Option<OrganizationId>, Option<GroupId>);

fn read_target(mut fields: Fields) -> Result<Target, Problem> {
    if !fields.has("organizationId") && !fields.has("groupId") {
        fields.refuse(
            "organizationId",
            "say where: organizationId, groupId or both",
        );
    }
    let organization = fields.optional("organizationId", str::parse);
    let group = fields.optional("groupId", str::parse);
    fields.finish()?;
    Ok((organization, group))
}

struct Transfer<'a> {
    id: &'a DeviceId,
    asker: Asker,
    organization: Option<OrganizationId>,
    group: Option<GroupId>,
}

impl Keyed for Transfer<'_> {
    const NAME: &'static str = "transfer_device";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        // Who does not see the device learns nothing of the place by it, and holds no lock.
        require_device(tx, self.asker, self.id, Level::See).await?;
        let to = hold_target(tx, self.asker, self.organization, self.group).await?;
        let device = tx.lock_device(self.id).await?;
        let device = device.ok_or_else(Problem::unknown_device)?;
        let (_, access) = require_device(tx, self.asker, self.id, Level::See).await?;
        let to = to.ok_or_else(|| Problem::internal("a transfer without a target was read"))?;
        device
            .standing()
            .after(Move::Transfer)
            .map_err(Problem::from)?;
        let from = device.holder;
        let from = from.ok_or_else(|| Problem::internal("a bound device has no owner"))?;
        let needed = if from.is_same_owner(to) {
            Level::Manage
        } else {
            Level::Own
        };
        if access.level < needed {
            let detail = format!("this needs the right `{}` on the device", needed.as_str());
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        if from != to {
            self.go(tx, from, to).await?;
        }
        let row = tx.lock_device(self.id).await?;
        let row = row.ok_or_else(Problem::unknown_device)?;
        Ok(Answer::new(StatusCode::OK, &DeviceView::from(row))?)
    }
}

impl Transfer<'_> {
    async fn go(&self, tx: &Tx<'_>, from: Holder, to: Holder) -> Result<(), Failure> {
        let seen_by = tx.audience(self.id).await?;
        match to {
            Holder::Organization(organization, group) if from.is_same_owner(to) => {
                let group = group.map(|group| group.uuid());
                tx.place_device(self.id, organization.uuid(), group).await?;
            }
            // The same people go on with it, so what they wrote stays.
            _ => {
                enforce(tx, Takes::Device(to)).await?;
                tx.give_device(self.id, to, true).await?;
            }
        }
        tx.withdraw_offer(self.id).await?;
        end_sessions_of_losers(tx, self.id, seen_by).await?;
        let actor = Actor::Account(self.asker.account.uuid());
        let entry = Entry::done(actor, "device.transfer", DEVICE, self.id.as_str());
        tx.audit(entry.changed(place(from), place(to))).await?;
        Ok(())
    }
}
