//! `GET /api/v1/users`: accounts in the order of their ids, page by page, for admins.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::Api;
use crate::domain::account::AccountKind;
use crate::domain::account_id::AccountId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters, Place};
use crate::edge::parameters::Wrong;
use crate::problem::{Problem, Refusals};
use crate::store::user::UserFilter;
use crate::views::UserView;

/// Longest beginning that is searched for, in characters.
const SEARCH_CHARS_MAX: usize = 128;

/// One page of accounts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsersView {
    /// The accounts of this page.
    users: Vec<UserView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Accounts, but those that were erased.
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "listUsers",
    tag = "people", security(("bearer" = [])),
    params(
        ("search" = Option<String>, Query, min_length = 1, max_length = 128,
            description = "The beginning of an e-mail address or a name, in any case"),
        ("disabled" = Option<bool>, Query, description = "Those that are kept out, or the others"),
        ("kind" = Option<String>, Query, pattern = "^(person|service)$", description = "`person` or `service`"),
        PageParameters,
    ),
    responses(
        (status = 200, body = UsersView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<AccountId, UserFilter>,
) -> Result<Json<UsersView>, Problem> {
    account.require(Right::ManageUsers)?;
    let connection = api.store.connect().await?;
    let rows = connection
        .users(&page.filter, page.after, page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.account_id);
    Ok(Json(UsersView {
        users: rows.into_iter().map(UserView::from).collect(),
        next_cursor,
    }))
}

impl Filter for UserFilter {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "search" => {
                let fits = (1..=SEARCH_CHARS_MAX).contains(&value.chars().count())
                    && !value.chars().any(char::is_control);
                if !fits {
                    return Err(Wrong::value(
                        "must be 1 to 128 characters without control characters",
                    ));
                }
                self.search = Some(value.to_owned());
            }
            "disabled" => {
                let disabled = value.parse();
                self.disabled = Some(disabled.map_err(|_| Wrong::value("must be true or false"))?);
            }
            "kind" => {
                let kind = AccountKind::from_word(value);
                let expected = "must be `person` or `service`";
                self.kind = Some(kind.ok_or_else(|| Wrong::value(expected))?);
            }
            _ => return Err(Wrong::Unknown),
        }
        Ok(())
    }
}

impl Place for AccountId {
    fn to_bytes(&self) -> Vec<u8> {
        self.uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Users = Page<AccountId, UserFilter>;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let place = AccountId::from(Uuid::from_u128(7));
        let query = format!(
            "search=Ada%25&disabled=false&kind=service&{}",
            Users::continued(&place)
        );
        let page = Users::parse(&query).unwrap();
        assert_eq!(page.after, Some(place));
        let expected = UserFilter {
            disabled: Some(false),
            kind: Some(AccountKind::Service),
            search: Some("Ada%".to_owned()),
        };
        assert_eq!(page.filter, expected);
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        let long = format!("search={}", "a".repeat(129));
        for bad in [
            "search=",
            "search=%00",
            "disabled=1",
            "kind=robot",
            "email=a",
            &long,
        ] {
            assert!(Users::parse(bad).is_err(), "{bad}");
        }
    }
}
