//! `DELETE /api/v1/devices/{id}/binding`: the claimant or an administrator takes a pending claim
//! back.

use axum::extract::State;
use axum::http::StatusCode;
use schema::{BindingState, DeviceId};

use super::binding::lapse;
use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::domain::audit::Actor;
use crate::edge::account::Account;
use crate::edge::path::DevicePath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// Takes the caller's pending claim back; for an administrator, anybody's.
#[utoipa::path(
    delete, path = "/api/v1/devices/{id}/binding", operation_id = "cancelBinding",
    tag = "binding", security(("bearer" = [])),
    params(("id" = String, Path, description = "The device's id")),
    responses(
        (status = 204, description = "The claim is over; the device is nobody's again"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No pending claim on such a device is the caller's, or for an administrator anybody's"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    DevicePath(id): DevicePath,
) -> Result<StatusCode, Problem> {
    let asker = account.asker();
    to_its_end(&api, &Cancel { id: &id, asker }).await?;
    Ok(StatusCode::NO_CONTENT)
}

struct Cancel<'a> {
    id: &'a DeviceId,
    asker: Asker,
}

impl Command for Cancel<'_> {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("cancel_binding").await?;
        let device = tx.lock_device(self.id).await?.ok_or_else(none)?;
        let binding = tx.pending_binding(self.id).await?.ok_or_else(none)?;
        // Whether somebody else claims it is told to nobody else.
        if binding.claimant != self.asker.account && !self.asker.is_admin {
            return Err(none().into());
        }
        let actor = Actor::Account(self.asker.account.uuid());
        lapse(&tx, &device, &binding, BindingState::Cancelled, actor).await?;
        Ok(tx.commit().await?)
    }
}

fn none() -> Problem {
    let detail = "you have no pending claim on a device of this id";
    Problem::new(Code::BindingNotFound, detail)
}
