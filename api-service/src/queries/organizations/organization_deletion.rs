//! `GET /api/v1/organizations/{id}/deletion`: what the organization's deletion would take along.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::require_organization;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::reader::Reader;
use crate::views::organization::DeletionView;

/// What goes along with an organization; changes nothing. Needs the right `own` on it.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/deletion", operation_id = "previewOrganizationDeletion",
    tag = "organizations", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The organization's id")),
    responses(
        (status = 200, body = DeletionView, description = "What goes along"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
) -> Result<Json<DeletionView>, Problem> {
    let connection = api.store.connect().await?;
    require_organization(&connection, account.asker(), id, Level::Own).await?;
    let along = Reader::from(&connection)
        .along_with_organization(id)
        .await?;
    Ok(Json(along.into()))
}
