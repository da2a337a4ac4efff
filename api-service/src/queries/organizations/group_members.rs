//! `GET /api/v1/groups/{id}/members`: who is in a group.

use axum::Json;
use axum::extract::State;
use uuid::Uuid;

use super::organization_members::MembersView;
use crate::api::Api;
use crate::domain::access::Level;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters};
use crate::edge::list_places::NamePrefix;
use crate::edge::organization_path::GroupPath;
use crate::edge::require::require_group;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::member::MembersAsked;
use crate::store::reader::Reader;
use crate::views::organization::MemberView;

/// The members of a group. Those who are in what is above it are not listed. Addresses are shown to those who manage it.
#[utoipa::path(
    get, path = "/api/v1/groups/{id}/members", operation_id = "listGroupMembers",
    tag = "groups", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The group's id"),
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
    GroupPath(id): GroupPath,
    page: Page<Uuid, NamePrefix>,
) -> Result<Json<MembersView>, Problem> {
    let connection = api.store.connect().await?;
    let (_, access) = require_group(&connection, account.asker(), id, Level::See).await?;
    let asked = MembersAsked {
        after: page.after,
        prefix: &page.filter.0,
        limit: page.rows_to_read(),
    };
    let rows = Reader::from(&connection).group_members(id, asked).await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.account_id.uuid());
    let members = rows
        .into_iter()
        .map(|row| MemberView::new(row, access.level));
    Ok(Json(MembersView {
        members: members.collect(),
        next_cursor,
    }))
}
