//! What the revocation list of the device authority must name.

use certs::{RevocationReason, RevokedEntry, Serial};

use super::row::get;
use super::{Connection, StoreError};

/// One more than a list may have, so that a list that would be cut is seen and not served.
const ENTRIES: &str = "
-- store::revocation_list::entries
SELECT serial, ended_at, revocation_reason
  FROM certificate
 WHERE state = 'revoked'
   AND not_after > now()
 ORDER BY ended_at
 LIMIT 100001";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[ENTRIES];

impl Connection {
    /// Revoked certificates that have not ended by themselves.
    pub(crate) async fn revoked(&self) -> Result<Vec<RevokedEntry>, StoreError> {
        let rows = self.rows(ENTRIES, &[]).await?;
        rows.iter()
            .map(|row| {
                let serial = Serial::from_bytes(get(row, "serial")?)
                    .map_err(|_| StoreError::Row { column: "serial" })?;
                let reason: Option<&str> = get(row, "revocation_reason")?;
                Ok(RevokedEntry {
                    serial,
                    at: get(row, "ended_at")?,
                    // A word of a newer version still revokes.
                    reason: reason
                        .and_then(|word| word.parse().ok())
                        .unwrap_or(RevocationReason::Unspecified),
                })
            })
            .collect()
    }
}
