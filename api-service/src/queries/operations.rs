//! `GET /api/v1/operations`: what goes on outside the database, newest first, page by page.

use axum::Json;
use axum::extract::State;
use schema::DeviceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters};
use crate::edge::parameters::Wrong;
use crate::problem::{Problem, Refusals};
use crate::store::operation::{OperationFilter, StateFilter};
use crate::views::OperationView;

/// One page of operations.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OperationsView {
    /// The operations of this page, newest first.
    operations: Vec<OperationView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Operations, newest first.
#[utoipa::path(
    get, path = "/api/v1/operations", operation_id = "listOperations",
    tag = "operations", security(("bearer" = [])),
    params(
        ("state" = Option<String>, Query, pattern = "^(pending|done|dead)$", description = "Only `pending`, `done` or `dead` ones"),
        ("deviceId" = Option<String>, Query, description = "Only those of this device"),
        PageParameters,
    ),
    responses(
        (status = 200, body = OperationsView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<i64, OperationFilter>,
) -> Result<Json<OperationsView>, Problem> {
    account.require(Right::ReadDevices)?;
    let connection = api.store.connect().await?;
    let rows = connection
        .operations(&page.filter, page.after, page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.id);
    Ok(Json(OperationsView {
        operations: rows.into_iter().map(OperationView::from).collect(),
        next_cursor,
    }))
}

impl Filter for OperationFilter {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "state" => {
                let state = StateFilter::from_word(value);
                let state = state.ok_or_else(|| Wrong::value("must be pending, done or dead"));
                self.state = Some(state?);
            }
            "deviceId" => self.device = Some(DeviceId::parse(value).map_err(Wrong::value)?),
            _ => return Err(Wrong::Unknown),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Operations = Page<i64, OperationFilter>;

    #[test]
    fn every_parameter_is_read() {
        let query = format!(
            "state=dead&deviceId=dev-1&limit=7&{}",
            Operations::continued(&4711)
        );
        let page = Operations::parse(&query).unwrap();
        assert_eq!((page.rows_to_read(), page.after), (8, Some(4711)));
        assert_eq!(page.filter.state, Some(StateFilter::Dead));
        assert_eq!(page.filter.device.unwrap().as_str(), "dev-1");
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "state=",
            "state=Dead",
            "state=dead&state=done",
            "deviceId=a/b",
            "limit=201",
            "device=a",
        ] {
            assert!(Operations::parse(bad).is_err(), "{bad}");
        }
    }
}
