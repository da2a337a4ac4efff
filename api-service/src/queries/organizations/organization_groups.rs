//! `GET /api/v1/organizations/{id}/groups`: the groups of an organization that the caller sees.

use axum::Json;
use axum::extract::State;

use super::groups::{GroupsPage, GroupsView};
use crate::api::Api;
use crate::edge::account::Account;
use crate::edge::list::PageParameters;
use crate::edge::organization_path::OrganizationPath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::access::Visible;
use crate::store::reader::Reader;

/// The groups of an organization, by name: all for its members, for others those they are in.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/groups", operation_id = "listOrganizationGroups",
    tag = "groups", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("name" = Option<String>, Query, min_length = 1, max_length = 128,
            description = "Only names that begin so, in any case"),
        ("parentId" = Option<String>, Query,
            description = "Only right below this group; `root`: right below the organization"),
        PageParameters,
    ),
    responses(
        (status = 200, body = GroupsView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
    page: GroupsPage,
) -> Result<Json<GroupsView>, Problem> {
    let asker = account.asker();
    let connection = api.store.connect().await?;
    let reader = Reader::from(&connection);
    let whole = reader.organization_access(asker, id).await?;
    let visible = match whole {
        Some(_) => Visible {
            organizations: vec![id],
            groups: Vec::new(),
        },
        None => Visible {
            organizations: Vec::new(),
            groups: reader.visible_groups(asker.account).await?.groups,
        },
    };
    let (after, limit) = (page.after.as_ref(), page.rows_to_read());
    let rows = reader.groups(&visible, Some(id), &page.filter, after, limit);
    let rows = rows.await?;
    if whole.is_none() && rows.is_empty() {
        // A stranger, or somebody whose filter chose none: neither learns whether it exists.
        return Err(Problem::unknown_organization());
    }
    Ok(Json(GroupsView::new(&page, rows)))
}
