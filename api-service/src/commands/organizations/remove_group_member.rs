//! `DELETE /api/v1/groups/{id}/members/{accountId}`: somebody is put out of a group, or leaves it.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::losing::end_sessions;
use super::shape::lock_group;
use super::{GROUP, entry, unknown_member};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::edge::account::Account;
use crate::edge::organization_path::GroupMemberPath;
use crate::outbox::worker;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;

/// Takes a member out of a group. What they are above it stays. Everybody may leave; to put others out
/// needs the right `manage` on the group.
#[utoipa::path(
    delete, path = "/api/v1/groups/{id}/members/{accountId}", operation_id = "removeGroupMember",
    tag = "groups", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The group's id"),
        ("accountId" = String, Path, format = "uuid", description = "The account's id"),
    ),
    responses(
        (status = 204, description = "They are out"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    GroupMemberPath(group, member): GroupMemberPath,
) -> Result<StatusCode, Problem> {
    let remove = Remove {
        group,
        member,
        asker: account.asker(),
    };
    to_its_end(&api, &remove).await?;
    worker::wake(&api.outbox_wake);
    Ok(StatusCode::NO_CONTENT)
}

struct Remove {
    group: GroupId,
    member: AccountId,
    asker: Asker,
}

impl Command for Remove {
    type Done = ();

    async fn once(&self, api: &Api) -> Result<(), Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("remove_group_member").await?;
        let leaves = self.member == self.asker.account;
        let level = if leaves { Level::See } else { Level::Manage };
        let (organization, _) = lock_group(&tx, self.asker, self.group, level).await?;
        let before = tx.reader().group_role(self.group, self.member).await?;
        let before = before.ok_or_else(unknown_member)?;
        tx.remove_from_group(self.group, self.member).await?;
        tx.end_invitations_by(self.member, organization).await?;
        end_sessions(&tx, [self.member]).await?;
        let id = self.group.to_string();
        let was = json!({"accountId": self.member.to_string(), "role": before.to_string()});
        let entry = entry(self.asker, "group.remove_member", GROUP, &id);
        tx.audit(entry.changed(was, json!({}))).await?;
        Ok(tx.commit().await?)
    }
}
