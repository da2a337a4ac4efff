//! `PUT /api/v1/groups/{id}/members/{accountId}`: somebody of the organization gets a role in a group.

use axum::Json;
use axum::extract::State;
use schema::GroupRole;
use serde_json::json;
use utoipa::ToSchema;

use super::losing::end_sessions;
use super::put_organization_member::MembershipView;
use super::shape::lock_group;
use super::{GROUP, entry, unknown_member, unnoted};
use crate::api::Api;
use crate::commands::plan_limit::{Takes, enforce};
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::organization_path::GroupMemberPath;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// The role.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = SetGroupRole,
    example = json!({"role": "member"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// `admin`, `member` or `viewer`.
    #[schema(example = "member", pattern = "^(admin|member|viewer)$")]
    role: String,
}

/// Puts a member of the organization into a group, or gives them another role there. Needs the right
/// `manage` on the group. Others are invited.
#[utoipa::path(
    put, path = "/api/v1/groups/{id}/members/{accountId}", operation_id = "setGroupRole",
    tag = "groups", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The group's id"),
        ("accountId" = String, Path, format = "uuid", description = "The account's id"),
    ),
    request_body = Wire,
    responses(
        (status = 200, body = MembershipView, description = "What they are now"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The organization's plan has no place left"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    GroupMemberPath(group, member): GroupMemberPath,
    Body(mut fields): Body,
) -> Result<Json<MembershipView>, Problem> {
    let role = fields.required("role", str::parse::<GroupRole>);
    fields.finish()?;
    let role = role.ok_or_else(unnoted)?;
    let put = Put {
        group,
        member,
        asker: account.asker(),
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
    group: GroupId,
    member: AccountId,
    asker: Asker,
    role: GroupRole,
}

impl Command for Put {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("put_group_member").await?;
        let (organization, _) = lock_group(&tx, self.asker, self.group, Level::Manage).await?;
        let before = tx.reader().group_role(self.group, self.member).await?;
        if before == Some(self.role) {
            return Ok(());
        }
        if before.is_none() {
            let whole = tx.reader().organization_role(organization, self.member);
            let is_in = whole.await?.is_some()
                || (self.asker.is_admin && tx.has_account(self.member).await?);
            if !is_in {
                return Err(unknown_member().into());
            }
            enforce(&tx, Takes::Member(organization, self.member)).await?;
        }
        tx.put_in_group(self.group, self.member, self.role).await?;
        if before > Some(self.role) {
            tx.end_invitations_by(self.member, organization).await?;
            end_sessions(&tx, [self.member]).await?;
        }
        let id = self.group.to_string();
        let told = |role: Option<GroupRole>| {
            let role = role.map(|role| role.to_string());
            json!({"accountId": self.member.to_string(), "role": role})
        };
        let entry = entry(self.asker, "group.set_role", GROUP, &id);
        tx.audit(entry.changed(told(before), told(Some(self.role))))
            .await?;
        Ok(tx.commit().await?)
    }
}
