//! `GET /api/v1/auth/export` and `/users/{id}/export`: everything that is held on somebody, as one JSON
//! document.
//!
//! It is read in pieces and sent as it is read, so that nobody's years of entries are held at once. A
//! database that goes away in the middle ends the connection before the answer's end: half an export is
//! no JSON document.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, header};
use futures::stream;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::commands::note_export::note_export;
use crate::domain::account_id::AccountId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::path::AccountPath;
use crate::problem::{Problem, ProblemView, Refusals};
use crate::store::StoreError;
use crate::store::held::{PARTS, ROWS_AT_ONCE};

/// Everything that is held on somebody. Each part has what the tables hold; times are RFC 3339.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the document that is sent in pieces")]
pub(crate) struct PersonalExport {
    /// The account: issuer, subject, plan, when it was made, when it signed out last.
    account: Value,
    /// What names the person; `null` once erased.
    profile: Option<Value>,
    /// Memberships in organizations.
    organizations: Vec<Value>,
    /// Memberships in groups.
    groups: Vec<Value>,
    /// Devices that are theirs, with what they wrote about them.
    devices: Vec<Value>,
    /// When which device was theirs.
    ownership: Vec<Value>,
    /// Devices that they claimed.
    claims: Vec<Value>,
    /// Invitations that they made or accepted.
    invitations: Vec<Value>,
    /// What they were told.
    notifications: Vec<Value>,
    /// What they did, and from where; and what was done to their account.
    audit_entries: Vec<Value>,
    /// Their balance; `null` if there never was one.
    balance: Option<Value>,
    /// The entries of it.
    balance_entries: Vec<Value>,
    /// When their MQTT sessions were to end.
    session_ends: Vec<Value>,
}

type Answer = ([(HeaderName, String); 2], Body);

/// Everything that is held on the caller.
#[utoipa::path(
    get, path = "/api/v1/auth/export", operation_id = "exportMe",
    tag = "people", security(("bearer" = [])),
    responses(
        (status = 200, body = PersonalExport, description = "The document, as a file to keep"),
        Refusals,
    )
)]
pub(crate) async fn own(State(api): State<Api>, account: Account) -> Result<Answer, Problem> {
    export(api, account.id(), account.id()).await
}

/// Everything that is held on somebody, for admins who answer them.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/export", operation_id = "exportUser",
    tag = "people", security(("bearer" = [])),
    params(("id" = String, Path, format = "uuid", description = "The account's id")),
    responses(
        (status = 200, body = PersonalExport, description = "The document, as a file to keep"),
        Refusals,
        (status = 404, body = ProblemView, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn of_user(
    State(api): State<Api>,
    account: Account,
    AccountPath(id): AccountPath,
) -> Result<Answer, Problem> {
    account.require(Right::ManagePersonalData)?;
    export(api, account.id(), id).await
}

async fn export(api: Api, actor: AccountId, account: AccountId) -> Result<Answer, Problem> {
    // Entered before anything is told.
    note_export(&api, actor, account).await?;
    let walk = Walk {
        api,
        account,
        part: 0,
        after: String::new(),
    };
    // The first piece is read before the answer begins: until then a failure still has a status.
    let (first, walk) = walk.step().await?;
    let pieces = stream::try_unfold(
        (Some(first), walk),
        |(piece, walk): (Option<String>, Walk)| async move {
            if let Some(piece) = piece {
                return Ok::<_, StoreError>(Some((piece, (None, walk))));
            }
            if walk.part == PARTS.len() {
                return Ok(None);
            }
            let (piece, walk) = walk.step().await?;
            Ok(Some((piece, (None, walk))))
        },
    );
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{account}.json\""),
        ),
    ];
    Ok((headers, Body::from_stream(pieces)))
}

/// How far a document is.
struct Walk {
    api: Api,
    account: AccountId,
    /// Which part is next; their number when the document is whole.
    part: usize,
    /// After which row of it; empty at its beginning.
    after: String,
}

impl Walk {
    /// The next piece of the document's text.
    async fn step(mut self) -> Result<(String, Self), StoreError> {
        let part = PARTS[self.part];
        let connection = self.api.store.connect().await?;
        let rows = connection.held(part, self.account, &self.after).await?;
        drop(connection);
        let is_first = self.after.is_empty();
        let mut text = String::new();
        if is_first {
            text.push(if self.part == 0 { '{' } else { ',' });
            text.push('"');
            text.push_str(part.name);
            text.push_str(if part.is_list { "\":[" } else { "\":" });
        }
        for (place, row) in rows.iter().enumerate() {
            text.push_str(if is_first && place == 0 { "" } else { "," });
            text.push_str(&row.item);
        }
        if part.is_list && rows.len() == ROWS_AT_ONCE {
            self.after = rows
                .into_iter()
                .last()
                .map(|row| row.key)
                .unwrap_or_default();
            return Ok((text, self));
        }
        text.push_str(match (part.is_list, rows.is_empty()) {
            (true, _) => "]",
            (false, true) => "null",
            (false, false) => "",
        });
        self.part += 1;
        self.after.clear();
        if self.part == PARTS.len() {
            text.push_str("}\n");
        }
        Ok((text, self))
    }
}
