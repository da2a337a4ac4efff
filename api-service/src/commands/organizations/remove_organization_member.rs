//! `DELETE /api/v1/organizations/{id}/members/{accountId}`: somebody is put out, or leaves. With the
//! organization they leave all its groups.

use axum::extract::State;
use axum::http::StatusCode;
use schema::OrganizationRole;
use serde_json::json;

use super::losing::end_sessions;
use super::{ORGANIZATION, entry, last_owner, unknown_member};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::account_id::AccountId;
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::organization_path::OrganizationMemberPath;
use crate::edge::require::require_organization;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// Takes a member out of an organization and of all its groups. Everybody may leave; to put others out
/// needs the right `manage`, and `own` for owners.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{id}/members/{accountId}",
    operation_id = "removeOrganizationMember",
    tag = "organizations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("accountId" = String, Path, format = "uuid", description = "The account's id"),
    ),
    responses(
        (status = 204, description = "They are out"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "They are the last owner"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationMemberPath(organization, member): OrganizationMemberPath,
) -> Result<StatusCode, Problem> {
    let remove = Remove {
        organization,
        member,
        asker: account.asker(),
    };
    to_its_end(&api, &remove).await?;
    worker::wake(&api.outbox_wake);
    Ok(StatusCode::NO_CONTENT)
}

struct Remove {
    organization: OrganizationId,
    member: AccountId,
    asker: Asker,
}

impl Command for Remove {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("remove_organization_member").await?;
        let of = self.organization;
        let leaves = self.member == self.asker.account;
        if !leaves {
            require_organization(&tx, self.asker, of, Level::Manage).await?;
        }
        let held = tx.lock_organization(of).await?;
        held.ok_or_else(Problem::unknown_organization)?;
        let before = tx.reader().organization_role(of, self.member).await?;
        let is_owner = before == Some(OrganizationRole::Owner);
        if !leaves {
            let level = if is_owner { Level::Own } else { Level::Manage };
            require_organization(&tx, self.asker, of, level).await?;
        }
        if is_owner && tx.count_owners(of).await? == 1 {
            return Err(last_owner().into());
        }
        if !tx.remove_from_organization(of, self.member).await? {
            // Who leaves what they are not in learns no more than a stranger.
            let refusal = if leaves {
                Problem::unknown_organization()
            } else {
                unknown_member()
            };
            return Err(refusal.into());
        }
        tx.end_invitations_by(self.member, of).await?;
        end_sessions(&tx, [self.member]).await?;
        let id = of.to_string();
        let role = before.map(|role| role.to_string());
        let was = json!({"accountId": self.member.to_string(), "role": role});
        let entry = entry(self.asker, "organization.remove_member", ORGANIZATION, &id);
        tx.audit(entry.changed(was, json!({}))).await?;
        Ok(tx.commit().await?)
    }
}
