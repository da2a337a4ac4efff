//! `DELETE /api/v1/organizations/{id}?confirm=..`: an organization is deleted with its groups,
//! memberships and invitations. Devices must have left it before.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::losing::end_sessions;
use super::{ORGANIZATION, entry};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::confirm::Confirm;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::require_organization;
use crate::outbox::worker;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// Deletes an organization. Needs the right `own` on it, and the `confirm` of
/// `GET .../deletion`.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{id}", operation_id = "deleteOrganization",
    tag = "organizations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("confirm" = Option<String>, Query, max_length = 128,
            description = "`confirm` of the preview, which tells what goes along"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It has devices, or what goes along was not confirmed"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
    confirm: Confirm,
) -> Result<StatusCode, Problem> {
    let asker = account.asker();
    to_its_end(&api, &Delete { id, asker, confirm }).await?;
    worker::wake(&api.outbox_wake);
    Ok(StatusCode::NO_CONTENT)
}

struct Delete {
    id: OrganizationId,
    asker: Asker,
    confirm: Confirm,
}

impl Command for Delete {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("delete_organization").await?;
        require_organization(&tx, self.asker, self.id, Level::See).await?;
        let held = tx.lock_whole_organization(self.id).await?;
        held.ok_or_else(Problem::unknown_organization)?;
        require_organization(&tx, self.asker, self.id, Level::Own).await?;
        let along = tx.reader().along_with_organization(self.id).await?;
        if along.devices > 0 || along.bindings > 0 {
            let detail =
                "devices belong to it or are being bound to it; unbind or transfer them first";
            return Err(Problem::new(Code::OrganizationHasDevices, detail).into());
        }
        self.confirm.check(&along)?;
        let in_groups = tx.reader().memberships_in(&along.groups).await?;
        let members = tx.delete_organization(self.id, &along.groups).await?;
        let in_groups = in_groups.into_iter().map(|membership| membership.account);
        end_sessions(&tx, members.into_iter().chain(in_groups)).await?;
        let id = self.id.to_string();
        let went = json!({"groups": along.groups.len(), "members": along.members});
        let entry = entry(self.asker, "organization.delete", ORGANIZATION, &id);
        tx.audit(entry.changed(went, json!({}))).await?;
        Ok(tx.commit().await?)
    }
}
