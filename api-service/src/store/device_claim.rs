//! Claim secrets of devices, as hashes.

use super::row::get;
use super::{StoreError, Tx};
use schema::DeviceId;

const GET: &str = "
-- store::device_claim::get
SELECT secret_hash,
       used_at IS NOT NULL OR coalesce(offered_until <= now(), false) AS is_spent,
       coalesce(offered_until > now(), false) AS is_offer
  FROM device_claim
 WHERE device_id = $1";

const PUT: &str = "
-- store::device_claim::put
INSERT INTO device_claim (device_id, secret_hash, offered_until)
VALUES ($1, $2, now() + make_interval(secs => $3))
    ON CONFLICT (device_id) DO UPDATE
   SET secret_hash = EXCLUDED.secret_hash, created_at = now(), used_at = NULL,
       offered_until = EXCLUDED.offered_until";

const INSERT_MANY: &str = "
-- store::device_claim::insert_many
INSERT INTO device_claim (device_id, secret_hash)
SELECT device_id, secret_hash
  FROM unnest($1::text[], $2::bytea[]) AS claim (device_id, secret_hash)";

const SPEND: &str = "
-- store::device_claim::spend
UPDATE device_claim
   SET used_at = now(), offered_until = NULL
 WHERE device_id = $1
   AND used_at IS NULL";

const WITHDRAW: &str = "
-- store::device_claim::withdraw
UPDATE device_claim
   SET used_at = now(), offered_until = NULL
 WHERE device_id = $1
   AND used_at IS NULL
   AND offered_until IS NOT NULL";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[GET, PUT, INSERT_MANY, SPEND, WITHDRAW];

/// A device's claim secret, as stored.
#[derive(Debug, Clone)]
pub(crate) struct ClaimRow {
    pub(crate) secret_hash: Vec<u8>,
    /// It bound a device already, was withdrawn, or was an offer whose time is over.
    pub(crate) is_spent: bool,
    /// The owner made it to give the device away by it.
    pub(crate) is_offer: bool,
}

impl Tx<'_> {
    /// The claim secret of a device whose row this transaction holds.
    pub(crate) async fn device_claim(&self, id: &DeviceId) -> Result<Option<ClaimRow>, StoreError> {
        let row = self.row(GET, &[&id.as_str()]).await?;
        row.map(|row| {
            Ok(ClaimRow {
                secret_hash: get(&row, "secret_hash")?,
                is_spent: get(&row, "is_spent")?,
                is_offer: get(&row, "is_offer")?,
            })
        })
        .transpose()
    }

    /// Gives a device another claim secret; as an offer of its owner for `offered_s` seconds.
    pub(crate) async fn put_device_claim(
        &self,
        id: &DeviceId,
        secret_hash: &[u8; 32],
        offered_s: Option<f64>,
    ) -> Result<(), StoreError> {
        let hash = secret_hash.as_slice();
        self.change_one("put claim", PUT, &[&id.as_str(), &hash, &offered_s])
            .await
    }

    /// Stores the claim secrets of devices that were registered in this transaction.
    pub(crate) async fn insert_device_claims(
        &self,
        claims: &[(&str, [u8; 32])],
    ) -> Result<(), StoreError> {
        if claims.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = claims.iter().map(|(id, _)| *id).collect();
        let hashes: Vec<&[u8]> = claims.iter().map(|(_, hash)| hash.as_slice()).collect();
        let touched = self.change(INSERT_MANY, &[&ids, &hashes]).await?;
        if touched == claims.len() as u64 {
            Ok(())
        } else {
            Err(StoreError::Count {
                statement: "insert claims",
                touched,
            })
        }
    }

    /// Spends a device's claim secret, if it has one that is not spent.
    pub(crate) async fn spend_device_claim(&self, id: &DeviceId) -> Result<(), StoreError> {
        self.change(SPEND, &[&id.as_str()]).await.map(drop)
    }

    /// Takes an offer back. `false` if there is none.
    pub(crate) async fn withdraw_offer(&self, id: &DeviceId) -> Result<bool, StoreError> {
        Ok(self.change(WITHDRAW, &[&id.as_str()]).await? == 1)
    }
}
