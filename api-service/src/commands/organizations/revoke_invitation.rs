//! `DELETE /api/v1/organizations/{id}/invitations/{invitationId}`: an open invitation is taken back.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::{ORGANIZATION, entry};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::organization_path::InvitationPath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// Revokes an open invitation. Needs the right `manage` on what it invites into.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{id}/invitations/{invitationId}",
    operation_id = "revokeInvitation",
    tag = "invitations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("invitationId" = String, Path, format = "uuid", description = "The invitation's id"),
    ),
    responses(
        (status = 204, description = "Its token is worth nothing any more"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json",
            description = "No open invitation that the caller may see"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    InvitationPath(organization, id): InvitationPath,
) -> Result<StatusCode, Problem> {
    let revoke = Revoke {
        organization,
        id,
        asker: account.asker(),
    };
    to_its_end(&api, &revoke).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// No open invitation, or none that the caller may see.
pub(super) fn unknown() -> Problem {
    let detail = "there is no such invitation, or it was used, revoked, or is over";
    Problem::new(Code::InvitationNotFound, detail)
}

struct Revoke {
    organization: OrganizationId,
    id: Uuid,
    asker: Asker,
}

impl Command for Revoke {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("revoke_invitation").await?;
        let open = tx
            .reader()
            .open_invitation(self.organization, self.id)
            .await?;
        let open = open.ok_or_else(unknown)?;
        let access = match open.group_id {
            None => {
                let access = tx
                    .reader()
                    .organization_access(self.asker, self.organization);
                access.await?
            }
            Some(group) => {
                let found = tx.reader().group_access(self.asker, group).await?;
                found.map(|(_, access)| access)
            }
        };
        // Who sees the place and does not manage it is not told of its invitations either.
        if access.is_none_or(|access| access.level < Level::Manage) {
            return Err(unknown().into());
        }
        if !tx.end_invitation(self.id, None).await? {
            return Err(unknown().into());
        }
        let id = self.organization.to_string();
        let was = json!({"invitationId": self.id.to_string()});
        let entry = entry(self.asker, "invitation.revoke", ORGANIZATION, &id);
        tx.audit(entry.changed(was, json!({}))).await?;
        Ok(tx.commit().await?)
    }
}
