//! `GET /api/v1/users/{id}/balance` and `.../balance/entries`: what an account has, and how it came to
//! that. For its holder and admins; to all others every account looks alike.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Page, PageParameters};
use crate::edge::path::AccountPath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::Connection;
use crate::views::balance::{BalanceEntryView, BalanceView};

/// One page of entries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceEntriesView {
    /// Newest first.
    entries: Vec<BalanceEntryView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A balance: the caller's own, or anybody's for admins.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/balance", operation_id = "getBalance",
    tag = "balance", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    responses(
        (status = 200, body = BalanceView, description = "The balance"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn one(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
) -> Result<Json<BalanceView>, Problem> {
    let connection = readable(&api, &account, id).await?;
    let row = connection.ledger(id).await?;
    Ok(Json(BalanceView::new(id, row)))
}

/// The entries of a balance.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/balance/entries", operation_id = "listBalanceEntries",
    tag = "balance", security(("bearer" = [])),
    params(
        ("id" = String, Path, format = "uuid", description = "The account's id"),
        PageParameters,
    ),
    responses(
        (status = 200, body = BalanceEntriesView, description = "One page"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn entries(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
    page: Page<i64>,
) -> Result<Json<BalanceEntriesView>, Problem> {
    let connection = readable(&api, &account, id).await?;
    let rows = connection
        .ledger_entries(id, page.after, page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.entry_id);
    Ok(Json(BalanceEntriesView {
        entries: rows.into_iter().map(BalanceEntryView::from).collect(),
        next_cursor,
    }))
}

/// A connection, if the caller may read an account's balance.
async fn readable(api: &Api, account: &Account, id: AccountId) -> Result<Connection, Problem> {
    let is_own = account.id() == id;
    if !is_own {
        account.require(Right::ManageBalances)?;
    }
    let connection = api.store.connect().await?;
    if !is_own && connection.user(id).await?.is_none() {
        return Err(Problem::unknown_account());
    }
    Ok(connection)
}
