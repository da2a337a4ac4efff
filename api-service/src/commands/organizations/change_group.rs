//! `PATCH /api/v1/groups/{id}`: a group is named and described anew. `POST .../move` moves it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::ToSchema;

use super::shape::{check_name, lock_group};
use super::{GROUP, entry};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::group_id::GroupId;
use crate::domain::name::{Description, Name};
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::organization_path::GroupPath;
use crate::edge::version::{IfMatch, etag};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::group::{GroupRow, GroupWrite};
use crate::views::organization::GroupView;

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ChangeGroup,
    example = json!({"name": "Hall 2"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Its name.
    #[schema(min_length = 1, max_length = 128, example = "Hall 2")]
    name: Option<String>,
    /// What it is; `null` takes it away.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
}

/// Names and describes a group. Needs the right `manage` on it.
#[utoipa::path(
    patch, path = "/api/v1/groups/{id}", operation_id = "changeGroup",
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
            description = "A sibling has the name"),
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
    let name = fields.optional("name", Name::parse);
    let description = fields.nullable("description", Description::parse);
    fields.finish()?;
    let change = Change {
        id,
        asker: account.asker(),
        if_match,
        name,
        description,
    };
    let row = to_its_end(&api, &change).await?;
    Ok(([etag(row.version)], Json(GroupView::from(row))).into_response())
}

struct Change {
    id: GroupId,
    asker: Asker,
    if_match: IfMatch,
    name: Option<Name>,
    /// `Some(None)` takes it away.
    description: Option<Option<Description>>,
}

impl Command for Change {
    type Done = GroupRow;

    async fn once(&self, api: &Api) -> Result<GroupRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("change_group").await?;
        let (organization, _) = lock_group(&tx, self.asker, self.id, Level::Manage).await?;
        let before = tx.reader().group(self.id).await?;
        let before = before.ok_or_else(Problem::unknown_group)?;
        self.if_match.check(before.version)?;
        let name = self
            .name
            .as_ref()
            .map_or(before.name.as_str(), Name::as_str);
        let description = match &self.description {
            Some(new) => new.as_ref().map(Description::as_str),
            None => before.description.as_deref(),
        };
        if name == before.name && description == before.description.as_deref() {
            return Ok(before);
        }
        check_name(&tx, organization, before.parent_id, name, Some(self.id)).await?;
        let group = GroupWrite {
            group_id: self.id,
            parent_id: before.parent_id,
            name,
            description,
        };
        tx.update_group(group).await?;
        let row = tx.reader().group(self.id).await?;
        let row = row.ok_or_else(Problem::unknown_group)?;
        let id = self.id.to_string();
        let entry = entry(self.asker, "group.change", GROUP, &id);
        tx.audit(entry.changed(
            json!({"version": before.version}),
            json!({"version": row.version}),
        ))
        .await?;
        tx.commit().await?;
        Ok(row)
    }
}
