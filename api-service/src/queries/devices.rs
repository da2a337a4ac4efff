//! `GET /api/v1/devices` and its narrower forms: the devices that the caller may see, page by page.

use axum::Json;
use axum::extract::State;
use schema::{DeviceId, Lifecycle};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::domain::access::Level;
use crate::domain::device_filter::DeviceFilter;
use crate::domain::label::Label;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters};
use crate::edge::organization_path::{GroupPath, OrganizationPath};
use crate::edge::parameters::Wrong;
use crate::edge::require::{require_group, require_organization};
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::Connection;
use crate::store::device::DeviceRow;
use crate::store::device_list::Scopes;
use crate::store::reader::Reader;
use crate::views::{DeviceView, LifecycleView};

/// One page of devices.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DevicesView {
    /// The devices of this page.
    devices: Vec<DeviceView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What the devices of a list may be asked to have in common.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what `DeviceFilter` takes")]
pub(crate) struct FilterParameters {
    /// Only in this state
    lifecycle: Option<LifecycleView>,
    /// Only suspended ones, or only others
    suspended: Option<bool>,
    /// Only of this model
    #[param(min_length = 1, max_length = 64)]
    model: Option<String>,
    /// Only those whose id, or whose name in any case, begins so
    #[param(min_length = 1, max_length = 128)]
    search: Option<String>,
}

/// The devices that the caller may see, in the order of their ids.
#[utoipa::path(
    get, path = "/api/v1/devices", operation_id = "listDevices",
    tag = "devices", security(("bearer" = [])),
    params(FilterParameters, PageParameters),
    responses(
        (status = 200, body = DevicesView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<DeviceId, DeviceFilter>,
) -> Result<Json<DevicesView>, Problem> {
    let connection = api.store.connect().await?;
    if account.has(Right::ReadDevices) {
        // A maker sees every device and nothing of whose it is.
        let for_maker = !account.asker().is_admin;
        let (after, limit) = (page.after.as_ref(), page.rows_to_read());
        let rows = connection
            .all_devices(&page.filter, !for_maker, after, limit)
            .await?;
        return Ok(view(&page, rows, for_maker));
    }
    let visible = Reader::from(&connection)
        .visible_groups(account.id())
        .await?;
    let scopes = Scopes {
        account: Some(account.id()),
        organizations: visible.organizations,
        groups: visible.groups,
    };
    list(&connection, &page, &scopes).await
}

/// The devices that the caller owns.
#[utoipa::path(
    get, path = "/api/v1/devices/my", operation_id = "listMyDevices",
    tag = "devices", security(("bearer" = [])),
    params(FilterParameters, PageParameters),
    responses(
        (status = 200, body = DevicesView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn mine(
    State(api): State<Api>,
    account: Account,
    page: Page<DeviceId, DeviceFilter>,
) -> Result<Json<DevicesView>, Problem> {
    let connection = api.store.connect().await?;
    let scopes = Scopes {
        account: Some(account.id()),
        ..Scopes::default()
    };
    list(&connection, &page, &scopes).await
}

/// The devices of an organization.
#[utoipa::path(
    get, path = "/api/v1/organizations/{id}/devices", operation_id = "listOrganizationDevices",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The organization's id"),
        FilterParameters, PageParameters,
    ),
    responses(
        (status = 200, body = DevicesView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn of_organization(
    State(api): State<Api>,
    account: Account,
    OrganizationPath(id): OrganizationPath,
    page: Page<DeviceId, DeviceFilter>,
) -> Result<Json<DevicesView>, Problem> {
    let connection = api.store.connect().await?;
    require_organization(&connection, account.asker(), id, Level::See).await?;
    let scopes = Scopes {
        organizations: vec![id],
        ..Scopes::default()
    };
    list(&connection, &page, &scopes).await
}

/// The devices of a group and of the groups below it.
#[utoipa::path(
    get, path = "/api/v1/groups/{id}/devices", operation_id = "listGroupDevices",
    tag = "devices", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The group's id"),
        FilterParameters, PageParameters,
    ),
    responses(
        (status = 200, body = DevicesView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn of_group(
    State(api): State<Api>,
    account: Account,
    GroupPath(id): GroupPath,
    page: Page<DeviceId, DeviceFilter>,
) -> Result<Json<DevicesView>, Problem> {
    let connection = api.store.connect().await?;
    require_group(&connection, account.asker(), id, Level::See).await?;
    let scopes = Scopes {
        groups: connection.groups_below(id).await?,
        ..Scopes::default()
    };
    list(&connection, &page, &scopes).await
}

async fn list(
    connection: &Connection,
    page: &Page<DeviceId, DeviceFilter>,
    scopes: &Scopes,
) -> Result<Json<DevicesView>, Problem> {
    let (after, limit) = (page.after.as_ref(), page.rows_to_read());
    let rows = connection
        .devices_of(scopes, &page.filter, after, limit)
        .await?;
    Ok(view(page, rows, false))
}

fn view(
    page: &Page<DeviceId, DeviceFilter>,
    rows: Vec<DeviceRow>,
    for_maker: bool,
) -> Json<DevicesView> {
    let (rows, next_cursor) = page.cut(rows, |last| last.device_id.clone());
    let view = if for_maker {
        DeviceView::for_maker
    } else {
        DeviceView::from
    };
    Json(DevicesView {
        devices: rows.into_iter().map(view).collect(),
        next_cursor,
    })
}

impl Filter for DeviceFilter {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "lifecycle" => {
                let words = "must be unbound, pending, bound or revoked";
                let lifecycle = value.parse::<Lifecycle>();
                self.lifecycle = Some(lifecycle.map_err(|_| Wrong::value(words))?);
            }
            "suspended" => {
                let flag = value.parse();
                self.suspended = Some(flag.map_err(|_| Wrong::value("must be true or false"))?);
            }
            "model" => self.model = Some(Label::parse(value).map_err(Wrong::value)?),
            "search" => {
                let expected = "must be 1 to 128 characters without control characters";
                let search = Self::read_search(value);
                self.search = Some(search.ok_or_else(|| Wrong::value(expected))?);
            }
            _ => return Err(Wrong::Unknown),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Devices = Page<DeviceId, DeviceFilter>;

    #[test]
    fn every_parameter_is_read() {
        let page = Devices::parse("lifecycle=bound&suspended=true&model=Grow%20Tent&search=te");
        let filter = page.unwrap().filter;
        assert_eq!(filter.lifecycle, Some(Lifecycle::Bound));
        assert_eq!(filter.suspended, Some(true));
        assert_eq!(filter.model(), Some("Grow Tent"));
        assert_eq!(filter.search.as_deref(), Some("te"));
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "lifecycle=gone",
            "suspended=1",
            "model=",
            "search=",
            "search=%00",
            "owner=me",
            &format!("search={}", "x".repeat(129)),
        ] {
            assert!(Devices::parse(bad).is_err(), "{bad}");
        }
    }
}
