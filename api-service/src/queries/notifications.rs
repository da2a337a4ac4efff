//! `GET /api/v1/notifications`: what the caller was told.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters};
use crate::edge::parameters::Wrong;
use crate::problem::{Problem, Refusals};
use crate::views::NotificationView;

/// One page of notifications.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationsView {
    /// Newest first.
    notifications: Vec<NotificationView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What the caller was told in the last ninety days, newest first.
#[utoipa::path(
    get, path = "/api/v1/notifications", operation_id = "listNotifications",
    tag = "notifications", security(("bearer" = [])),
    params(
        PageParameters,
        ("unread" = Option<bool>, Query, description = "`true`: only what was not read yet"),
    ),
    responses(
        (status = 200, body = NotificationsView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<i64, Unread>,
) -> Result<Json<NotificationsView>, Problem> {
    let connection = api.store.connect().await?;
    let (before, unread) = (page.after, page.filter.0);
    let asked = connection.notifications(account.id(), before, unread, page.rows_to_read());
    let (rows, next_cursor) = page.cut(asked.await?, |last| last.id);
    Ok(Json(NotificationsView {
        notifications: rows.into_iter().map(NotificationView::from).collect(),
        next_cursor,
    }))
}

/// Only what was not read yet.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unread(bool);

impl Filter for Unread {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        if name != "unread" {
            return Err(Wrong::Unknown);
        }
        let flag = value.parse();
        self.0 = flag.map_err(|_| Wrong::value("must be true or false"))?;
        Ok(())
    }
}
