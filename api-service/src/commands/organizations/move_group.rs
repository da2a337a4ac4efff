//! `POST /api/v1/groups/{id}/move`: a group goes, with all below it, below another group of its
//! organization or right below the organization.
//!
//! Who may do less there than before is cut off.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::ToSchema;

use super::losing::{end_sessions, losers, persons};
use super::shape::{check_depth, check_name, lock_group, parent_path};
use super::{GROUP, entry};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::{Level, Place};
use crate::domain::group_id::GroupId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::organization_path::GroupPath;
use crate::edge::version::{IfMatch, etag};
use crate::outbox::worker;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::group::{GroupRow, GroupWrite};
use crate::views::organization::GroupView;

/// Where it goes.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = MoveGroup,
    example = json!({"parentId": null})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// The group above; right below the organization if `null` or left out.
    #[schema(format = "uuid")]
    parent_id: Option<String>,
}

/// Moves a group with all below it. Needs the right `manage` on what it is below and on what it goes
/// below.
#[utoipa::path(
    post, path = "/api/v1/groups/{id}/move", operation_id = "moveGroup",
    tag = "groups", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The group's id"),
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` of it as you know it: refused if it changed since"),
    ),
    request_body = Wire,
    responses(
        (status = 200, body = GroupView, description = "As it is now, with its `ETag`"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "It would be below itself, deeper than 8, or beside one of its name"),
        (status = 412, body = ProblemView, content_type = "application/problem+json",
            description = "It changed since"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    GroupPath(id): GroupPath,
    if_match: IfMatch,
    Body(mut fields): Body,
) -> Result<Response, Problem> {
    let parent = fields.optional("parentId", str::parse::<GroupId>);
    fields.finish()?;
    let relocate = Move {
        id,
        asker: account.asker(),
        if_match,
        parent,
    };
    let row = to_its_end(&api, &relocate).await?;
    worker::wake(&api.outbox_wake);
    Ok(([etag(row.version)], Json(GroupView::from(row))).into_response())
}

struct Move {
    id: GroupId,
    asker: Asker,
    if_match: IfMatch,
    parent: Option<GroupId>,
}

impl Command for Move {
    type Done = GroupRow;

    async fn once(&self, api: &Api) -> Result<GroupRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("move_group").await?;
        let (organization, before) = lock_group(&tx, self.asker, self.id, Level::Manage).await?;
        let group = tx.reader().group(self.id).await?;
        let group = group.ok_or_else(Problem::unknown_group)?;
        self.if_match.check(group.version)?;
        parent_path(&tx, self.asker, organization, group.parent_id).await?;
        let above = parent_path(&tx, self.asker, organization, self.parent).await?;
        if group.parent_id == self.parent {
            return Ok(group);
        }
        if above.contains(&self.id) {
            let detail = "a group cannot go below itself or below what is below it";
            return Err(Problem::new(Code::GroupCycle, detail).into());
        }
        check_depth(above.len(), tx.group_height(self.id).await?)?;
        check_name(&tx, organization, self.parent, &group.name, Some(self.id)).await?;
        let after = Place {
            owner: None,
            organization: Some(organization),
            path: [vec![self.id], above].concat(),
        };
        let touched = [before.path.clone(), after.path.clone()].concat();
        let memberships = tx.reader().memberships_in(&touched).await?;
        let lost = losers(&persons(&memberships, organization), &before, &after);
        let moved = GroupWrite {
            group_id: self.id,
            parent_id: self.parent,
            name: &group.name,
            description: group.description.as_deref(),
        };
        tx.update_group(moved).await?;
        end_sessions(&tx, lost).await?;
        let row = tx.reader().group(self.id).await?;
        let row = row.ok_or_else(Problem::unknown_group)?;
        let id = self.id.to_string();
        let parent = |id: Option<GroupId>| json!({"parentId": id.map(|id| id.to_string())});
        let entry = entry(self.asker, "group.move", GROUP, &id);
        tx.audit(entry.changed(parent(group.parent_id), parent(self.parent)))
            .await?;
        tx.commit().await?;
        Ok(row)
    }
}
