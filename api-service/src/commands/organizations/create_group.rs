//! `POST /api/v1/organizations/{id}/groups`: a group of devices, below another or right below the
//! organization.

use axum::extract::State;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::shape::{check_depth, check_name, parent_path};
use super::{GROUP, entry, unnoted};
use crate::api::Api;
use crate::commands::keyed::{Answer, Given, Keyed, once_by_key};
use crate::commands::run::Failure;
use crate::domain::access::Level;
use crate::domain::group_id::GroupId;
use crate::domain::idempotency::request_hash;
use crate::domain::name::{Description, Name};
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::key::{KeyHeader, MaybeKey};
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::{require_group, require_organization};
use crate::edge::version::etag;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::store::Tx;
use crate::store::access::Asker;
use crate::store::group::GroupWrite;
use crate::views::organization::GroupView;

/// Most groups of one organization.
const GROUPS_MAX: i64 = 1000;

/// What the caller sends.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = CreateGroup,
    example = json!({"name": "Hall 2"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Its name; the only one of its kind beside its siblings.
    #[schema(min_length = 1, max_length = 128, example = "Hall 2")]
    name: String,
    /// What it is.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
    /// The group above; right below the organization if left out.
    #[schema(format = "uuid")]
    parent_id: Option<String>,
}

/// Makes a group. Needs the right `manage` on what it goes below.
#[utoipa::path(
    post, path = "/api/v1/organizations/{id}/groups", operation_id = "createGroup",
    tag = "groups", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The organization's id"), KeyHeader),
    request_body = Wire,
    responses(
        (status = 201, body = GroupView, description = "Made; `ETag` is its version"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 409, body = ProblemView, content_type = "application/problem+json",
            description = "The name is taken, the tree would be deeper than 8, or there are 1,000 groups"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(organization): OrganizationPath,
    key: MaybeKey,
    Body(mut fields): Body,
) -> Result<Given, Problem> {
    let place = organization.to_string();
    let hash = request_hash(&[b"create_group", place.as_bytes(), &fields.hash()]);
    let name = fields.required("name", Name::parse);
    let description = fields.optional("description", Description::parse);
    let parent = fields.optional("parentId", str::parse::<GroupId>);
    fields.finish()?;
    let create = Create {
        id: GroupId::from(Uuid::now_v7()),
        organization,
        asker: account.asker(),
        name: name.ok_or_else(unnoted)?,
        description,
        parent,
    };
    once_by_key(&api, key.claim(&account, hash), &create).await
}

struct Create {
    id: GroupId,
    organization: OrganizationId,
    asker: Asker,
    name: Name,
    description: Option<Description>,
    parent: Option<GroupId>,
}

impl Keyed for Create {
    const NAME: &'static str = "create_group";

    async fn work(&self, _: &Api, tx: &Tx<'_>) -> Result<Answer, Failure> {
        // Asked before the lock: a stranger holds nothing.
        match self.parent {
            None => {
                require_organization(tx, self.asker, self.organization, Level::Manage).await?;
            }
            Some(parent) => {
                require_group(tx, self.asker, parent, Level::Manage).await?;
            }
        }
        let held = tx.lock_organization(self.organization).await?;
        held.ok_or_else(Problem::unknown_organization)?;
        let above = parent_path(tx, self.asker, self.organization, self.parent).await?;
        check_depth(above.len(), 1)?;
        if tx.count_groups(self.organization).await? >= GROUPS_MAX {
            let detail = format!("an organization has at most {GROUPS_MAX} groups");
            return Err(Problem::new(Code::TooManyGroups, detail).into());
        }
        let name = self.name.as_str();
        check_name(tx, self.organization, self.parent, name, None).await?;
        let new = GroupWrite {
            group_id: self.id,
            parent_id: self.parent,
            name,
            description: self.description.as_ref().map(Description::as_str),
        };
        tx.insert_group(self.organization, new).await?;
        let row = tx.reader().group(self.id).await?;
        let row = row.ok_or_else(Problem::unknown_group)?;
        let id = self.id.to_string();
        let parent = self.parent.map(|id| id.to_string());
        let made = json!({"organizationId": self.organization.to_string(), "parentId": parent});
        let entry = entry(self.asker, "group.create", GROUP, &id);
        tx.audit(entry.changed(None::<Value>, made)).await?;
        let version = etag(row.version);
        let answer = Answer::new(StatusCode::CREATED, &GroupView::from(row))?.header(version);
        let location = format!("/api/v1/groups/{id}");
        Ok(answer.header((header::LOCATION, location)))
    }
}
