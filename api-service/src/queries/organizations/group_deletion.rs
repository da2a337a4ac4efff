//! `GET /api/v1/groups/{id}/deletion`: what the group's deletion would take along.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::organization_path::GroupPath;
use crate::edge::require::require_group;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::reader::Reader;
use crate::views::organization::DeletionView;

/// What goes along with a group; changes nothing. Needs the right `manage` on it.
#[utoipa::path(
    get, path = "/api/v1/groups/{id}/deletion", operation_id = "previewGroupDeletion",
    tag = "groups", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The group's id")),
    responses(
        (status = 200, body = DeletionView, description = "What goes along"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    GroupPath(id): GroupPath,
) -> Result<Json<DeletionView>, Problem> {
    let connection = api.store.connect().await?;
    require_group(&connection, account.asker(), id, Level::Manage).await?;
    let along = Reader::from(&connection).along_with_group(id).await?;
    Ok(Json(along.into()))
}
