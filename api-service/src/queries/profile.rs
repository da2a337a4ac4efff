//! `GET /api/v1/auth/profile`: the caller's own account, as this service keeps it.

use axum::Json;
use axum::extract::State;

use crate::api::Api;
use crate::edge::account::Account;
use crate::problem::{Problem, Refusals};
use crate::queries::user::read_user;
use crate::views::UserView;

/// The caller's own account.
#[utoipa::path(
    get, path = "/api/v1/auth/profile", operation_id = "getProfile",
    tag = "people", security(("bearer" = [])),
    responses(
        (status = 200, body = UserView, description = "The caller's account"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
) -> Result<Json<UserView>, Problem> {
    read_user(&api, account.id()).await.map(Json)
}
