//! Reading the audit: lists for people, and everything in its order for an export.

use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::store::row::get;
use crate::store::{Connection, StoreError};

/// Entries that an export reads at once.
const EXPORTED_AT_ONCE: i64 = 1000;

/// A statement over entries, with the columns of [`EntryRow`].
macro_rules! select_entries {
    ($name:literal, $rest:literal) => {
        concat!(
            "
-- store::audit::read::",
            $name,
            "
SELECT entry.entry_id, entry.at, entry.actor_kind, entry.actor_id, entry.action,
       entry.subject_kind, entry.subject_id, entry.outcome, entry.code, entry.request_id,
       entry.before, entry.after, sealed.seal
  FROM audit_entry AS entry
  LEFT JOIN audit_sealed AS sealed USING (entry_id)
",
            $rest
        )
    };
}

// One statement for each index, so that none has to read what it does not show.
const ALL: &str = select_entries!(
    "all",
    " WHERE entry.entry_id < $1
   AND ($3::text IS NULL OR entry.action = $3)
   AND ($4::text IS NULL OR entry.outcome = $4)
 ORDER BY entry.entry_id DESC
 LIMIT $2"
);

const OF_ACTOR: &str = select_entries!(
    "of_actor",
    " WHERE entry.actor_id = $5
   AND entry.entry_id < $1
   AND ($3::text IS NULL OR entry.action = $3)
   AND ($4::text IS NULL OR entry.outcome = $4)
 ORDER BY entry.entry_id DESC
 LIMIT $2"
);

const OF_SUBJECT: &str = select_entries!(
    "of_subject",
    " WHERE entry.subject_kind = $5
   AND entry.subject_id = $6
   AND ($7::uuid IS NULL OR entry.actor_id = $7)
   AND entry.entry_id < $1
   AND ($3::text IS NULL OR entry.action = $3)
   AND ($4::text IS NULL OR entry.outcome = $4)
 ORDER BY entry.entry_id DESC
 LIMIT $2"
);

const NEXT: &str = select_entries!(
    "next",
    " WHERE entry.entry_id > $1
   AND ($3::timestamptz IS NULL OR entry.at >= $3)
   AND ($4::timestamptz IS NULL OR entry.at < $4)
 ORDER BY entry.entry_id
 LIMIT $2"
);

/// Every statement of this file.
pub(in crate::store) const STATEMENTS: &[&str] = &[ALL, OF_ACTOR, OF_SUBJECT, NEXT];

/// Which entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EntryFilter {
    /// Only those of this account.
    pub(crate) actor: Option<Uuid>,
    /// Only those about this thing: its kind and id.
    pub(crate) subject: Option<(String, String)>,
    /// Only this action.
    pub(crate) action: Option<String>,
    /// Only `done` or `refused` ones.
    pub(crate) outcome: Option<&'static str>,
}

/// Which time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Period {
    /// From then on.
    pub(crate) from: Option<OffsetDateTime>,
    /// Until before then.
    pub(crate) to: Option<OffsetDateTime>,
}

/// An entry.
#[derive(Debug)]
pub(crate) struct EntryRow {
    pub(crate) entry_id: i64,
    pub(crate) at: OffsetDateTime,
    pub(crate) actor_kind: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) action: String,
    pub(crate) subject_kind: String,
    pub(crate) subject_id: String,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
    /// The seal that covers it; `None` until it is sealed.
    pub(crate) seal: Option<i64>,
}

impl Connection {
    /// Entries, newest first, below a number.
    pub(crate) async fn audit_entries(
        &self,
        filter: &EntryFilter,
        below: Option<i64>,
        limit: i64,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let below = below.unwrap_or(i64::MAX);
        let EntryFilter {
            actor,
            subject,
            action,
            outcome,
        } = filter;
        let rows = match (subject, actor) {
            (Some((kind, id)), _) => {
                let params: &[&(dyn tokio_postgres::types::ToSql + Sync)] =
                    &[&below, &limit, action, outcome, kind, id, actor];
                self.rows(OF_SUBJECT, params).await?
            }
            (None, Some(actor)) => {
                self.rows(OF_ACTOR, &[&below, &limit, action, outcome, actor])
                    .await?
            }
            (None, None) => self.rows(ALL, &[&below, &limit, action, outcome]).await?,
        };
        rows.iter().map(EntryRow::try_from).collect()
    }

    /// The next entries after a number, in their order; none at the end.
    pub(crate) async fn next_audit_entries(
        &self,
        after: i64,
        period: Period,
    ) -> Result<Vec<EntryRow>, StoreError> {
        let rows = self
            .rows(NEXT, &[&after, &EXPORTED_AT_ONCE, &period.from, &period.to])
            .await?;
        rows.iter().map(EntryRow::try_from).collect()
    }
}

impl TryFrom<&Row> for EntryRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            entry_id: get(row, "entry_id")?,
            at: get(row, "at")?,
            actor_kind: get(row, "actor_kind")?,
            actor_id: get(row, "actor_id")?,
            action: get(row, "action")?,
            subject_kind: get(row, "subject_kind")?,
            subject_id: get(row, "subject_id")?,
            outcome: get(row, "outcome")?,
            code: get(row, "code")?,
            request_id: get(row, "request_id")?,
            before: get(row, "before")?,
            after: get(row, "after")?,
            seal: get(row, "seal")?,
        })
    }
}
