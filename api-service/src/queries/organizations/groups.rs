//! `GET /api/v1/groups`: the groups that the caller sees, of all organizations, by name.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::group_id::GroupId;
use crate::domain::name_place::NamePlace;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters};
use crate::edge::list_places::NamePrefix;
use crate::edge::parameters::Wrong;
use crate::problem::{Problem, Refusals};
use crate::store::group::{GroupFilter, GroupRow};
use crate::store::reader::Reader;
use crate::views::organization::GroupView;

/// One page of groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupsView {
    /// The groups of this page, by name.
    groups: Vec<GroupView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A page as it is asked for.
pub(super) type GroupsPage = Page<NamePlace, GroupFilter>;

impl GroupsView {
    /// The page of some rows.
    pub(super) fn new(page: &GroupsPage, rows: Vec<GroupRow>) -> Self {
        let (rows, next_cursor) = page.cut(rows, GroupRow::place);
        Self {
            groups: rows.into_iter().map(GroupView::from).collect(),
            next_cursor,
        }
    }
}

/// The groups that the caller sees by a membership, by name.
#[utoipa::path(
    get, path = "/api/v1/groups", operation_id = "listGroups",
    tag = "groups", security(("bearer" = [])),
    params(
        ("name" = Option<String>, Query, min_length = 1, max_length = 128,
            description = "Only names that begin so, in any case"),
        ("parentId" = Option<String>, Query,
            description = "Only right below this group; `root`: right below an organization"),
        PageParameters,
    ),
    responses(
        (status = 200, body = GroupsView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: GroupsPage,
) -> Result<Json<GroupsView>, Problem> {
    let connection = api.store.connect().await?;
    let reader = Reader::from(&connection);
    let visible = reader.visible_groups(account.id()).await?;
    let (after, limit) = (page.after.as_ref(), page.rows_to_read());
    let rows = reader.groups(&visible, None, &page.filter, after, limit);
    let rows = rows.await?;
    Ok(Json(GroupsView::new(&page, rows)))
}

impl Filter for GroupFilter {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "name" => self.prefix = NamePrefix::parse(value)?.0,
            "parentId" if value == "root" => self.roots = true,
            "parentId" => {
                let parent = value.parse::<GroupId>();
                let parent = parent.map_err(|_| Wrong::value("must be a group's id, or `root`"));
                self.parent = Some(parent?);
            }
            _ => return Err(Wrong::Unknown),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_names_are_read_and_nothing_else() {
        let id = "3f0c1e9a-5b1d-4c57-9d3e-0a4b6c8d2e1f";
        let page = GroupsPage::parse(&format!("name=Hall&parentId={id}")).unwrap();
        assert_eq!(page.filter.prefix, "Hall");
        assert_eq!(page.filter.parent, id.parse().ok());
        assert!(GroupsPage::parse("parentId=root").unwrap().filter.roots);
        for bad in ["parentId=", "parentId=null", "name=", "organization=x"] {
            assert!(GroupsPage::parse(bad).is_err(), "{bad}");
        }
    }
}
