//! `PATCH /api/v1/organizations/{id}`: an organization is named and described anew.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::ToSchema;

use super::{ORGANIZATION, entry};
use crate::api::Api;
use crate::commands::run::{Command, Failure, to_its_end};
use crate::domain::access::Level;
use crate::domain::name::{Description, Name};
use crate::domain::organization_id::OrganizationId;
use crate::edge::account::Account;
use crate::edge::body::Body;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::require_organization;
use crate::edge::version::{IfMatch, etag};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Asker;
use crate::store::organization::OrganizationRow;
use crate::views::organization::OrganizationView;

/// What is to change; what is left out stays.
#[derive(Debug, ToSchema)]
#[schema(
    rename_all = "camelCase",
    as = ChangeOrganization,
    example = json!({"name": "Acme Greenhouses", "description": "Tomatoes"})
)]
#[expect(dead_code, reason = "describes the body that is read field by field")]
pub(crate) struct Wire {
    /// Its name.
    #[schema(min_length = 1, max_length = 128, example = "Acme Greenhouses")]
    name: Option<String>,
    /// What it is; `null` takes it away.
    #[schema(min_length = 1, max_length = 1024)]
    description: Option<String>,
}

/// Names and describes an organization. Needs the right `own` on it.
#[utoipa::path(
    patch, path = "/api/v1/organizations/{id}", operation_id = "changeOrganization",
    tag = "organizations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("If-Match" = Option<String>, Header,
            description = "The `ETag` of it as you know it: refused if it changed since"),
    ),
    request_body = Wire,
    responses(
        (status = 200, body = OrganizationView, description = "As it is now, with its `ETag`"),
        Refusals,
        (status = 400, body = ProblemView, content_type = "application/problem+json"),
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
        (status = 412, body = ProblemView, content_type = "application/problem+json",
            description = "It changed since"),
        (status = 413, body = ProblemView, content_type = "application/problem+json"),
        (status = 415, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
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
    let tag = etag(row.version);
    Ok(([tag], Json(OrganizationView::new(row, Level::Own))).into_response())
}

struct Change {
    id: OrganizationId,
    asker: Asker,
    if_match: IfMatch,
    name: Option<Name>,
    /// `Some(None)` takes it away.
    description: Option<Option<Description>>,
}

impl Command for Change {
    type Done = OrganizationRow;

    async fn once(&self, api: &Api) -> Result<OrganizationRow, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin("change_organization").await?;
        // Who may not see it holds its lock for no moment; who may is asked again under it.
        require_organization(&tx, self.asker, self.id, Level::See).await?;
        let before = tx.lock_organization(self.id).await?;
        let before = before.ok_or_else(Problem::unknown_organization)?;
        require_organization(&tx, self.asker, self.id, Level::Own).await?;
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
        tx.update_organization(self.id, name, description).await?;
        let row = tx.reader().organization(self.id).await?;
        let row = row.ok_or_else(Problem::unknown_organization)?;
        let id = self.id.to_string();
        let entry = entry(self.asker, "organization.change", ORGANIZATION, &id);
        tx.audit(entry.changed(
            json!({"version": before.version}),
            json!({"version": row.version}),
        ))
        .await?;
        tx.commit().await?;
        Ok(row)
    }
}
