//! `GET /api/v1/organizations/{id}/members`: who is in an organization.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters};
use crate::edge::list_places::NamePrefix;
use crate::edge::organization_path::OrganizationPath;
use crate::edge::require::require_organization;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::member::MembersAsked;
use crate::store::reader::Reader;
use crate::views::organization::MemberView;

/// One page of members.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MembersView {
    /// The members of this page, in the order of their accounts.
    pub(super) members: Vec<MemberView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// The members of an organization. Addresses are shown to those who manage it.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/members", operation_id = "listOrganizationMembers",
    tag = "organizations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("name" = Option<String>, Query, min_length = 1, max_length = 128,
            description = "Only names that begin so, in any case"),
        PageParameters,
    ),
    responses(
        (status = 200, body = MembersView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
    page: Page<Uuid, NamePrefix>,
) -> Result<Json<MembersView>, Problem> {
    let connection = api.store.connect().await?;
    let access = require_organization(&connection, account.asker(), id, Level::See).await?;
    let asked = MembersAsked {
        after: page.after,
        prefix: &page.filter.0,
        limit: page.rows_to_read(),
    };
    let rows = Reader::from(&connection)
        .organization_members(id, asked)
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.account_id.uuid());
    let members = rows
        .into_iter()
        .map(|row| MemberView::new(row, access.level));
    Ok(Json(MembersView {
        members: members.collect(),
        next_cursor,
    }))
}
