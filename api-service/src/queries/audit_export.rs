//! `GET /api/v1/audit/export`: the audit in its order, one JSON object a line.
//!
//! The answer is made while it is read: neither we nor the database hold more than a thousand
//! entries. A database that goes away in the middle ends the connection before the answer's end, so
//! that half an export never looks like a whole one.

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use futures::stream;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::api::Api;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::edge::parameters::{self, Wrong};
use crate::problem::{Problem, Refusals};
use crate::store::StoreError;
use crate::store::audit::read::{EntryRow, Period};
use crate::views::AuditEntryView;

/// The audit in its order, as NDJSON.
#[utoipa::path(
    get, path = "/api/v1/audit/export", operation_id = "exportAudit",
    tag = "audit", security(("bearer" = [])),
    params(
        ("from" = Option<String>, Query, format = DateTime, description = "From then on"),
        ("to" = Option<String>, Query, format = DateTime, description = "Until before then"),
    ),
    responses(
        (status = 200, body = AuditEntryView, content_type = "application/x-ndjson",
            description = "One entry a line, oldest first"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(api): State<Api>,
    account: Account,
    period: Period,
) -> Result<([(HeaderName, &'static str); 1], Body), Problem> {
    account.require(Right::ReadAudit)?;
    // The first piece is read before the answer begins: until then a failure still has a status.
    let first = next(&api, 0, period).await?;
    let pieces = stream::try_unfold((api, first), move |(api, piece)| async move {
        let Some(after) = piece.last().map(|entry| entry.entry_id) else {
            return Ok::<_, StoreError>(None);
        };
        let following = next(&api, after, period).await?;
        Ok(Some((lines(piece), (api, following))))
    });
    let ndjson = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((ndjson, Body::from_stream(pieces)))
}

async fn next(api: &Api, after: i64, period: Period) -> Result<Vec<EntryRow>, StoreError> {
    let connection = api.store.connect().await?;
    connection.next_audit_entries(after, period).await
}

fn lines(entries: Vec<EntryRow>) -> Vec<u8> {
    let mut lines = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut lines, &AuditEntryView::from(entry))
            .expect("an entry is made of texts and numbers");
        lines.push(b'\n');
    }
    lines
}

impl<S: Send + Sync> FromRequestParts<S> for Period {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut period = Self::default();
        parameters::read(parts, |name, value| {
            let time = || {
                let expected = "must be a time like 2026-01-31T12:00:00Z";
                OffsetDateTime::parse(value, &Rfc3339).map_err(|_| Wrong::value(expected))
            };
            match name {
                "from" => period.from = Some(time()?),
                "to" => period.to = Some(time()?),
                _ => return Err(Wrong::Unknown),
            }
            Ok(())
        })?;
        Ok(period)
    }
}
