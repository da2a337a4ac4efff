//! `GET /api/v1/organizations/{id}/invitations`: the open invitations, without their tokens.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::group_id::GroupId;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters};
use crate::edge::organization_path::OrganizationPath;
use crate::edge::parameters::Wrong;
use crate::edge::require::{require_group, require_organization};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::reader::Reader;
use crate::views::organization::InvitationView;

/// One page of invitations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitationsView {
    /// The open invitations of this page.
    invitations: Vec<InvitationView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which invitations.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct InvitationFilter {
    /// Only those into this group.
    group: Option<GroupId>,
}

/// Open invitations. Needs the right `manage` on the organization, or on the one group asked for.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/invitations", operation_id = "listInvitations",
    tag = "invitations", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        ("groupId" = Option<String>, Query, format = "uuid",
            description = "Only those into this group"),
        PageParameters,
    ),
    responses(
        (status = 200, body = InvitationsView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
    page: Page<Uuid, InvitationFilter>,
) -> Result<Json<InvitationsView>, Problem> {
    let asker = account.asker();
    let connection = api.store.connect().await?;
    let group = page.filter.group;
    if let Some(group) = group {
        require_group(&connection, asker, group, Level::Manage).await?;
    } else {
        require_organization(&connection, asker, id, Level::Manage).await?;
    }
    // A group of another organization has none here.
    let reader = Reader::from(&connection);
    let rows = reader.open_invitations(id, group, page.after, page.rows_to_read());
    let (rows, next_cursor) = page.cut(rows.await?, |last| last.invitation_id);
    Ok(Json(InvitationsView {
        invitations: rows.into_iter().map(InvitationView::from).collect(),
        next_cursor,
    }))
}

impl Filter for InvitationFilter {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        if name != "groupId" {
            return Err(Wrong::Unknown);
        }
        self.group = Some(value.parse().map_err(Wrong::value)?);
        Ok(())
    }
}
