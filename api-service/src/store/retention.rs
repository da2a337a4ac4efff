//! One replica at a time forgets what is old.

use super::row::get;
use super::{StoreError, Tx};

/// 'iot_rete' as a number.
const LOCK: i64 = 0x696f_745f_7265_7465;

const TRY_LOCK: &str = "
-- store::retention::try_lock
SELECT pg_try_advisory_xact_lock($1) AS locked";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[TRY_LOCK];

impl Tx<'_> {
    /// Whether this transaction is the one that forgets, until it ends.
    pub(crate) async fn may_forget(&self) -> Result<bool, StoreError> {
        let row = self.row(TRY_LOCK, &[&LOCK]).await?;
        get(&row.ok_or(StoreError::Row { column: "locked" })?, "locked")
    }
}
