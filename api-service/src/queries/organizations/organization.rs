//! `GET /api/v1/organizations/{id}`: an organization.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::require_organization;
use crate::edge::version::etag;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::reader::Reader;
use crate::views::organization::OrganizationView;

/// An organization that the caller is in.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}", operation_id = "getOrganization",
    tag = "organizations", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The organization's id")),
    responses(
        (status = 200, body = OrganizationView, description = "`ETag` is its version"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
) -> Result<Response, Problem> {
    let connection = api.store.connect().await?;
    let access = require_organization(&connection, account.asker(), id, Level::See).await?;
    let row = Reader::from(&connection).organization(id).await?;
    let row = row.ok_or_else(Problem::unknown_organization)?;
    let tag = etag(row.version);
    Ok(([tag], Json(OrganizationView::new(row, access.level))).into_response())
}
