//! `POST /api/v1/notifications/{id}/read`: the caller has read something.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::edge::account::Account;
use crate::edge::path::NotificationPath;
use crate::problem::{Code, Problem, ProblemView, Refusals};
use crate::views::NotificationView;

/// Notes that a notification was read.
#[utoipa::path(
    post, path = "/api/v1/notifications/{id}/read", operation_id = "readNotification",
    tag = "notifications", security(("bearer" = [])),
    params(("id" = i64, Path, minimum = 1, description = "The notification's id")),
    responses(
        (status = 200, body = NotificationView,
            description = "It was read; the first time counts. Repeating it is harmless"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    NotificationPath(id): NotificationPath,
) -> Result<Json<NotificationView>, Problem> {
    let connection = api.store.connect().await?;
    let row = connection.read_notification(account.id(), id).await?;
    let detail = "you were told nothing under this number";
    let row = row.ok_or_else(|| Problem::new(Code::NotificationNotFound, detail))?;
    Ok(Json(row.into()))
}
