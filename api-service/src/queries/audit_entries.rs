//! `GET /api/v1/audit`: what was done and refused, newest first, page by page.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::list::{Filter, Page, PageParameters};
use crate::edge::parameters::Wrong;
use crate::problem::{Problem, Refusals};
use crate::store::audit::read::EntryFilter;
use crate::views::AuditEntryView;

/// One page of the audit.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEntriesView {
    /// The entries of this page, newest first.
    entries: Vec<AuditEntryView>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What was done and refused, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "listAudit",
    tag = "audit", security(("bearer" = [])),
    params(
        ("accountId" = Option<String>, Query, format = "uuid", description = "Only what this account did"),
        ("subject" = Option<String>, Query, description = "Only what was done to this: `kind:id`",
            min_length = 3, max_length = 289, pattern = "^[^:]{1,32}:.{1,256}$", example = "device:tent-0001"),
        ("action" = Option<String>, Query, description = "Only this action",
            min_length = 1, max_length = 64, example = "device.revoke"),
        ("outcome" = Option<String>, Query, pattern = "^(done|refused)$", description = "Only `done` or `refused`"),
        PageParameters,
    ),
    responses(
        (status = 200, body = AuditEntriesView, description = "One page"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    page: Page<i64, EntryFilter>,
) -> Result<Json<AuditEntriesView>, Problem> {
    account.require(Right::ReadAudit)?;
    let connection = api.store.connect().await?;
    let rows = connection
        .audit_entries(&page.filter, page.after, page.rows_to_read())
        .await?;
    let (rows, next_cursor) = page.cut(rows, |last| last.entry_id);
    Ok(Json(AuditEntriesView {
        entries: rows.into_iter().map(AuditEntryView::from).collect(),
        next_cursor,
    }))
}

impl Filter for EntryFilter {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "accountId" => {
                let id = uuid::Uuid::try_parse(value);
                self.actor = Some(id.map_err(|_| Wrong::value("must be an account's UUID"))?);
            }
            "subject" => {
                let parts = value.split_once(':').filter(|(kind, id)| {
                    (1..=32).contains(&kind.chars().count())
                        && (1..=256).contains(&id.chars().count())
                        && plain(value)
                });
                let (kind, id) = parts.ok_or_else(|| Wrong::value("must be kind:id"))?;
                self.subject = Some((kind.to_owned(), id.to_owned()));
            }
            "action" => {
                let fits = (1..=64).contains(&value.chars().count()) && plain(value);
                let expected = "must be an action, like device.revoke";
                self.action = Some(
                    fits.then(|| value.to_owned())
                        .ok_or_else(|| Wrong::value(expected))?,
                );
            }
            "outcome" => {
                self.outcome = Some(match value {
                    "done" => "done",
                    "refused" => "refused",
                    _ => return Err(Wrong::value("must be done or refused")),
                });
            }
            _ => return Err(Wrong::Unknown),
        }
        Ok(())
    }
}

/// PostgreSQL takes no NUL in a text, and no name of ours has a control character.
fn plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entries = Page<i64, EntryFilter>;

    #[test]
    fn every_parameter_is_read() {
        let account = "0190d3c4-0000-7000-8000-000000000001";
        let query = format!(
            "accountId={account}&subject=device:a:b&action=device.revoke&outcome=refused&limit=1"
        );
        let filter = Entries::parse(&query).unwrap().filter;
        assert_eq!(filter.actor.unwrap().to_string(), account);
        assert_eq!(
            filter.subject.unwrap(),
            ("device".to_owned(), "a:b".to_owned())
        );
        assert_eq!(filter.action.unwrap(), "device.revoke");
        assert_eq!(filter.outcome, Some("refused"));
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        let long = format!("subject=device:{}", "x".repeat(257));
        for bad in [
            "accountId=1",
            "subject=device",
            "subject=:a",
            "subject=device:",
            "subject=device:%00",
            "action=",
            "outcome=Done",
            "actor=a",
            &long,
        ] {
            assert!(Entries::parse(bad).is_err(), "{bad}");
        }
    }
}
