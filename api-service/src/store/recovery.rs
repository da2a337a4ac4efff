//! Approvals to enrol a device anew whose certificate ran out.

use time::OffsetDateTime;

use super::row::get;
use super::{StoreError, Tx};
use crate::domain::account_id::AccountId;
use schema::DeviceId;

const CLOSE: &str = "
-- store::recovery::close
UPDATE recovery
   SET used_at = now()
 WHERE device_id = $1
   AND used_at IS NULL";

const OPEN: &str = "
-- store::recovery::open
INSERT INTO recovery (device_id, approved_by, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3))
RETURNING expires_at";

const USE: &str = "
-- store::recovery::use
UPDATE recovery
   SET used_at = now()
 WHERE device_id = $1
   AND used_at IS NULL
   AND expires_at > now()";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[CLOSE, OPEN, USE];

impl Tx<'_> {
    /// Approves one recovery within some seconds, in place of an approval that stands. Says until when.
    pub(crate) async fn approve_recovery(
        &self,
        id: &DeviceId,
        by: AccountId,
        seconds: f64,
    ) -> Result<OffsetDateTime, StoreError> {
        self.change(CLOSE, &[&id.as_str()]).await?;
        let row = self
            .row(OPEN, &[&id.as_str(), &by.uuid(), &seconds])
            .await?;
        get(
            &row.ok_or(StoreError::Row {
                column: "expires_at",
            })?,
            "expires_at",
        )
    }

    /// Takes an approval back. `false` if none stands.
    pub(crate) async fn close_recovery(&self, id: &DeviceId) -> Result<bool, StoreError> {
        Ok(self.change(CLOSE, &[&id.as_str()]).await? == 1)
    }

    /// Uses the approval that stands. `false` if none does.
    pub(crate) async fn use_recovery(&self, id: &DeviceId) -> Result<bool, StoreError> {
        Ok(self.change(USE, &[&id.as_str()]).await? == 1)
    }
}
