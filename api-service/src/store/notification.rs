//! What accounts are told.

use serde_json::Value;
use time::OffsetDateTime;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;

const INSERT: &str = "
-- store::notification::insert
INSERT INTO notification (account_id, kind, payload)
VALUES ($1, $2, $3)";

const LIST: &str = "
-- store::notification::list
SELECT notification_id, kind, payload, created_at, read_at
  FROM notification
 WHERE account_id = $1
   AND notification_id < $2
   AND (NOT $3 OR read_at IS NULL)
 ORDER BY notification_id DESC
 LIMIT $4";

const READ: &str = "
-- store::notification::read
UPDATE notification
   SET read_at = coalesce(read_at, now())
 WHERE notification_id = $1
   AND account_id = $2
RETURNING notification_id, kind, payload, created_at, read_at";

/// In small bites, so that no purge holds a lock for long.
const PURGE: &str = "
-- store::notification::purge
DELETE FROM notification
 WHERE notification_id = ANY (ARRAY(
       SELECT notification_id
         FROM notification
        WHERE created_at < now() - make_interval(days => $1)
        ORDER BY created_at
        LIMIT 1000))";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[INSERT, LIST, READ, PURGE];

/// A notification as stored.
#[derive(Debug, Clone)]
pub(crate) struct NotificationRow {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) read_at: Option<OffsetDateTime>,
}

impl TryFrom<&tokio_postgres::Row> for NotificationRow {
    type Error = StoreError;

    fn try_from(row: &tokio_postgres::Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: get(row, "notification_id")?,
            kind: get(row, "kind")?,
            payload: get(row, "payload")?,
            created_at: get(row, "created_at")?,
            read_at: get(row, "read_at")?,
        })
    }
}

impl Connection {
    /// What an account was told, newest first, before a notification or from the newest on.
    pub(crate) async fn notifications(
        &self,
        account: AccountId,
        before: Option<i64>,
        unread_only: bool,
        limit: i64,
    ) -> Result<Vec<NotificationRow>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let rows = self
            .rows(LIST, &[&account.uuid(), &before, &unread_only, &limit])
            .await?;
        rows.iter().map(NotificationRow::try_from).collect()
    }

    /// Notes that an account has read something; `None` if it was not told that.
    pub(crate) async fn read_notification(
        &self,
        account: AccountId,
        id: i64,
    ) -> Result<Option<NotificationRow>, StoreError> {
        let row = self.row(READ, &[&id, &account.uuid()]).await?;
        row.as_ref().map(NotificationRow::try_from).transpose()
    }
}

impl Tx<'_> {
    /// Forgets what was told so many days ago, at most 1,000. Says how many.
    pub(crate) async fn purge_notifications(&self, days: i32) -> Result<u64, StoreError> {
        self.change(PURGE, &[&days]).await
    }

    /// Tells an account something when this transaction counts.
    pub(crate) async fn notify(
        &self,
        account: AccountId,
        kind: &'static str,
        payload: &Value,
    ) -> Result<(), StoreError> {
        self.change_one("notify", INSERT, &[&account.uuid(), &kind, payload])
            .await
    }
}
