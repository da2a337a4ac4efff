//! `PUT /api/v1/organizations/{id}/members/{accountId}`: a member gets another role.
//!
//! People come in by invitation; only an admin of the platform puts somebody in.

use axum::Json;
use axum::extract::State;
use schema::OrganizationRole;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::losing::end_sessions;
use super::{ORGANIZATION, entry, last_owner, unknown_member, unnoted};
use crate::api::Api;
use crate::commands::plan_limit::{Takes, enforce};
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::account_id::AccountId;
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::organization_path::OrganizationMemberPath;
use crate::edge::require::require_organization;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// The role.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = SetOrganizationRole,
    example = json!({"role": "member"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// `owner`, `admin`, `member` or `viewer`.
    #[schema(example = "member", pattern = "^(owner|admin|member|viewer)$")]
    role: String,
}

/// What somebody is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MembershipView {
    /// Their account.
    #[schema(format = "uuid")]
    pub(super) account_id: String,
    /// Their role.
    #[schema(example = "member")]
    pub(super) role: String,
}

/// Gives a member another role. Needs the right `manage`, and `own` where an owner comes or goes.
#[utoipa::path(
    put, path = "/api/v1/organizations/{id}/members/{accountId}",
    operation_id = "setOrganizationRole",
    tag = "organizations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("accountId" = String, Path, format = "uuid", description = "The account's id"),
    ),
    request_body = Wire,
    responses(
        (status = 200, body = MembershipView, description = "What they are now"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "They are the last owner, or the plan has no place left"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationMemberPath(organization, member): OrganizationMemberPath,
    Body(mut fields): Body,
) -> Result<Json<MembershipView>, Problem> {
    let role = fields.required("role", str::parse::<OrganizationRole>);
    fields.finish()?;
    let role = role.ok_or_else(unnoted)?;
    let asker = account.asker();
    let put = Put {
        organization,
        member,
        asker,
        role,
    };
    to_its_end(&api, &put).await?;
    worker::wake(&api.outbox_wake);
    Ok(Json(MembershipView {
        account_id: member.to_string(),
        role: role.to_string(),
    }))
}

struct Put {
    organization: OrganizationId,
    member: AccountId,
    asker: Asker,
    role: OrganizationRole,
}

impl Command for Put {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("put_organization_member").await?;
        let of = self.organization;
        require_organization(&tx, self.asker, of, Level::Manage).await?;
        let held = tx.lock_organization(of).await?;
        held.ok_or_else(Problem::unknown_organization)?;
        let before = tx.reader().organization_role(of, self.member).await?;
        let owner = Some(OrganizationRole::Owner);
        let level = if before == owner || Some(self.role) == owner {
            Level::Own
        } else {
            Level::Manage
        };
        require_organization(&tx, self.asker, of, level).await?;
        if before == Some(self.role) {
            return Ok(());
        }
        if before.is_none() && !(self.asker.is_admin && tx.has_account(self.member).await?) {
            return Err(unknown_member().into());
        }
        if before == owner && tx.count_owners(of).await? == 1 {
            return Err(last_owner().into());
        }
        if before.is_none() {
            enforce(&tx, Takes::Member(of, self.member)).await?;
        }
        tx.put_in_organization(of, self.member, self.role).await?;
        if before > Some(self.role) {
            tx.end_invitations_by(self.member, of).await?;
            end_sessions(&tx, [self.member]).await?;
        }
        let id = of.to_string();
        let told = |role: Option<OrganizationRole>| {
            let role = role.map(|role| role.to_string());
            json!({"accountId": self.member.to_string(), "role": role})
        };
        let entry = entry(self.asker, "organization.set_role", ORGANIZATION, &id);
        tx.audit(entry.changed(told(before), told(Some(self.role))))
            .await?;
        Ok(tx.commit().await?)
    }
}
