//! What a revocation list must name.

use certs::{RevocationReason, RevokedEntry, Serial};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::row::get;
use super::{StoreError, Tx};
use crate::domain::key_id::KeyId;

/// The whole list of an authority. One more than a list may have, so that a list that would be cut is
/// seen and not signed.
const OF_ISSUER: &str = "
-- store::revocation_list::of_issuer
SELECT serial, ended_at, revocation_reason
  FROM certificate
 WHERE state = 'revoked'
   AND issuer = $1
   AND not_after >= $2
 LIMIT 100001";

const OF_SHARD: &str = "
-- store::revocation_list::of_shard
SELECT serial, ended_at, revocation_reason
  FROM certificate
 WHERE state = 'revoked'
   AND issuer = $1
   AND crl_shard = $3
   AND not_after >= $2
 LIMIT 100001";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[OF_ISSUER, OF_SHARD];

impl Tx<'_> {
    /// Revoked certificates of an authority that had not ended before `since`; of one shard, or of
    /// all for shard 0.
    pub(crate) async fn revoked(
        &self,
        issuer: &KeyId,
        shard: i32,
        since: OffsetDateTime,
    ) -> Result<Vec<RevokedEntry>, StoreError> {
        let issuer = issuer.as_bytes();
        let rows = if shard == 0 {
            self.rows(OF_ISSUER, &[&issuer, &since]).await?
        } else {
            self.rows(OF_SHARD, &[&issuer, &since, &shard]).await?
        };
        rows.iter().map(entry).collect()
    }
}

fn entry(row: &Row) -> Result<RevokedEntry, StoreError> {
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
}
