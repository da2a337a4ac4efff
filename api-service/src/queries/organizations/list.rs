//! `GET /api/v1/organizations`: the caller's organizations by name; every one for an admin.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::name_place::NamePlace;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters};
use crate::edge::list_places::NamePrefix;
use crate::problem::{Problem, Refusals};
use crate::store::organization::{OrganizationRow, OrganizationsAsked};
use crate::store::reader::Reader;
use crate::views::organization::OrganizationView;

/// One page of organizations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationsView {
    /// The organizations of this page, by name.
    organizations: Vec<OrganizationView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The organizations that the caller is in, by name. An admin of the platform gets every one.
#[utoipa::path(
    get, path = "/api/v1/organizations", operation_id = "listOrganizations",
    tag = "organizations", security(("bearer" = [])),
    params(
        ("name" = Option<String>, Query, min_length = 1, max_length = 128,
            description = "Only names that begin so, in any case"),
        PageParameters,
    ),
    responses(
        (status = 200, body = OrganizationsView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<NamePlace, NamePrefix>,
) -> Result<Json<OrganizationsView>, Problem> {
    let asker = account.asker();
    let connection = api.store.connect().await?;
    let reader = Reader::from(&connection);
    let asked = OrganizationsAsked {
        of: (!asker.is_admin).then_some(asker.account),
        prefix: &page.filter.0,
        after: page.after.as_ref(),
        limit: page.rows_to_read(),
    };
    let rows = reader.organizations(asked).await?;
    let (rows, next_cursor) = page.cut(rows, OrganizationRow::place);
    let mut organizations = Vec::with_capacity(rows.len());
    for row in rows {
        // Who was put out since the list was read does not see it any more.
        let access = reader
            .organization_access(asker, row.organization_id)
            .await?;
        organizations.extend(access.map(|access| OrganizationView::new(row, access.level)));
    }
    Ok(Json(OrganizationsView {
        organizations,
        next_cursor,
    }))
}
