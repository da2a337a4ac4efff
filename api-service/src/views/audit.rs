//! Entries of the audit, as they are shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::audit::chain::text;
use crate::store::audit::read::EntryRow;
use crate::store::audit::seal::Head;

/// Who did it: an `account`, the `system` itself, or a `stranger` without an account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActorView {
    /// `account`, `system` or `stranger`.
    #[schema(example = "account")]
    kind: String,
    /// Of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    account_id: Option<Uuid>,
}

/// What it was done to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SubjectView {
    /// The kind of thing.
    #[schema(example = "device")]
    kind: String,
    /// Which one.
    #[schema(example = "tent-0001")]
    id: String,
}

/// Something that was done, or refused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEntryView {
    /// Its number. Numbers grow; some are missing where a command came to nothing.
    entry_id: i64,
    /// When, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    at: OffsetDateTime,
    /// Who.
    actor: ActorView,
    /// What.
    #[schema(example = "device.revoke")]
    action: String,
    /// On what.
    subject: SubjectView,
    /// `done` or `refused`.
    #[schema(example = "done")]
    outcome: String,
    /// The problem's code, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The request's id, as in our log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// What of it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    /// What was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// The seal that covers it; absent until it is sealed, a second later or so.
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<i64>,
}

/// The newest seal of the audit: it stands for every entry below it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SealView {
    /// Its number, from 1 without a gap.
    number: i64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    hash: String,
    /// How many entries it has.
    entries: i32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    at: OffsetDateTime,
}

impl From<EntryRow> for AuditEntryView {
    fn from(row: EntryRow) -> Self {
        Self {
            entry_id: row.entry_id,
            at: row.at,
            actor: ActorView {
                kind: row.actor_kind,
                account_id: row.actor_id,
            },
            action: row.action,
            subject: SubjectView {
                kind: row.subject_kind,
                id: row.subject_id,
            },
            outcome: row.outcome,
            code: row.code,
            request_id: row.request_id,
            before: row.before,
            after: row.after,
            seal: row.seal,
        }
    }
}

impl From<Head> for SealView {
    fn from(head: Head) -> Self {
        let since_1970 = time::Duration::microseconds(head.at_us);
        Self {
            number: head.number,
            hash: text(&head.hash),
            entries: head.entries,
            at: OffsetDateTime::UNIX_EPOCH + since_1970,
        }
    }
}
