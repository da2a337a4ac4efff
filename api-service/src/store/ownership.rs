//! Whose a device is, and since when: the device's columns and the periods beside them.
//!
//! Times are read from the clock and not from the transaction's beginning: whoever waited for the
//! device's row began before the owner whose period it ends.

use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::device::DeviceRow;
use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::holder::Holder;
use schema::{DeviceId, Lifecycle};

const SET_PENDING: &str = "
-- store::ownership::set_pending
UPDATE device
   SET lifecycle = $2, updated_at = now()
 WHERE device_id = $1
   AND lifecycle = $3";

const SET_HOLDER: &str = "
-- store::ownership::set_holder
UPDATE device
   SET lifecycle = 'bound', owner_account_id = $2, organization_id = $3, group_id = $4,
       bound_at = clock_timestamp(), name = CASE WHEN $5 THEN name END,
       metadata = CASE WHEN $5 THEN metadata ELSE '{}' END,
       version = version + 1, updated_at = now()
 WHERE device_id = $1
   AND lifecycle <> 'revoked'";

const SET_PLACE: &str = "
-- store::ownership::set_place
UPDATE device
   SET group_id = $3, version = version + 1, updated_at = now()
 WHERE device_id = $1
   AND organization_id = $2";

/// What the owner wrote goes with them.
const CLEAR_HOLDER: &str = "
-- store::ownership::clear_holder
UPDATE device
   SET lifecycle = $2, owner_account_id = NULL, organization_id = NULL, group_id = NULL,
       bound_at = NULL, name = NULL, metadata = '{}', version = version + 1, updated_at = now()
 WHERE device_id = $1";

const BEGIN: &str = "
-- store::ownership::begin
INSERT INTO ownership (device_id, owner_account_id, organization_id, begun_at)
VALUES ($1, $2, $3, clock_timestamp())";

const END: &str = "
-- store::ownership::end
UPDATE ownership
   SET ended_at = greatest(begun_at, clock_timestamp())
 WHERE device_id = $1
   AND ended_at IS NULL";

const CURRENT: &str = "
-- store::ownership::current
SELECT begun_at
  FROM ownership
 WHERE device_id = $1
   AND ended_at IS NULL";

const DESCRIBE: &str = "
-- store::ownership::describe
UPDATE device
   SET name = CASE WHEN $2 THEN $3 ELSE name END,
       metadata = coalesce($4, metadata),
       version = version + 1, updated_at = now()
 WHERE device_id = $1
RETURNING device_id, lifecycle, suspended, model, firmware_version, public_key, created_at,
          updated_at, revoked_at, owner_account_id, organization_id, group_id, bound_at, name,
          metadata, version, suspended_by_platform";

/// Who sees a device: its owner, the members of its organization, those of its group and of the
/// groups above that.
const AUDIENCE: &str = "
-- store::ownership::audience
WITH RECURSIVE above AS (
    SELECT g.group_id, g.parent_id
      FROM device AS d
      JOIN device_group AS g ON g.group_id = d.group_id
     WHERE d.device_id = $1
     UNION
    SELECT g.group_id, g.parent_id
      FROM above
      JOIN device_group AS g ON g.group_id = above.parent_id
)
SELECT owner_account_id AS account_id
  FROM device
 WHERE device_id = $1
   AND owner_account_id IS NOT NULL
 UNION
SELECT m.account_id
  FROM device AS d
  JOIN organization_member AS m ON m.organization_id = d.organization_id
 WHERE d.device_id = $1
 UNION
SELECT m.account_id
  FROM above
  JOIN group_member AS m ON m.group_id = above.group_id
 ORDER BY account_id";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    SET_PENDING,
    SET_HOLDER,
    SET_PLACE,
    CLEAR_HOLDER,
    BEGIN,
    END,
    CURRENT,
    DESCRIBE,
    AUDIENCE,
];

impl Connection {
    /// Since when the device has its present owner; `None` if it has none.
    pub(crate) async fn owned_since(
        &self,
        id: &DeviceId,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let row = self.row(CURRENT, &[&id.as_str()]).await?;
        row.map(|row| get(&row, "begun_at")).transpose()
    }
}

impl Tx<'_> {
    /// Moves a device that nobody owns between unbound and pending.
    pub(crate) async fn set_claimed(
        &self,
        id: &DeviceId,
        from: Lifecycle,
        to: Lifecycle,
    ) -> Result<(), StoreError> {
        self.change_one(
            "set claimed",
            SET_PENDING,
            &[&id.as_str(), &to.as_str(), &from.as_str()],
        )
        .await
    }

    /// Gives a device to an owner, whose period begins. What the owner before wrote about it stays
    /// only if `keep_notes`.
    pub(crate) async fn give_device(
        &self,
        id: &DeviceId,
        to: Holder,
        keep_notes: bool,
    ) -> Result<(), StoreError> {
        let id = id.as_str();
        let account = to.account().map(|account| account.uuid());
        let organization = to.organization().map(|organization| organization.uuid());
        let group = to.group().map(|group| group.uuid());
        self.change(END, &[&id]).await?;
        self.change_one(
            "set holder",
            SET_HOLDER,
            &[&id, &account, &organization, &group, &keep_notes],
        )
        .await?;
        self.change_one("begin ownership", BEGIN, &[&id, &account, &organization])
            .await
    }

    /// Moves a device within its organization; the owner's period goes on.
    pub(crate) async fn place_device(
        &self,
        id: &DeviceId,
        organization: Uuid,
        group: Option<Uuid>,
    ) -> Result<(), StoreError> {
        self.change_one(
            "set place",
            SET_PLACE,
            &[&id.as_str(), &organization, &group],
        )
        .await
    }

    /// Takes a device from its owner, whose period ends, or from nobody.
    pub(crate) async fn free_device(
        &self,
        id: &DeviceId,
        lifecycle: Lifecycle,
    ) -> Result<(), StoreError> {
        self.change(END, &[&id.as_str()]).await?;
        self.change_one(
            "clear holder",
            CLEAR_HOLDER,
            &[&id.as_str(), &lifecycle.as_str()],
        )
        .await
    }

    /// Writes what an owner says about a device: `name` and `metadata` as far as they are given, where
    /// `Some(None)` takes the name away. Gives the device as it is then; `None` if there is none.
    pub(crate) async fn describe_device(
        &self,
        id: &DeviceId,
        name: Option<Option<&str>>,
        metadata: Option<&Value>,
    ) -> Result<Option<DeviceRow>, StoreError> {
        let row = self
            .row(
                DESCRIBE,
                &[&id.as_str(), &name.is_some(), &name.flatten(), &metadata],
            )
            .await?;
        row.as_ref().map(DeviceRow::try_from).transpose()
    }

    /// The accounts that see a device now.
    pub(crate) async fn audience(&self, id: &DeviceId) -> Result<Vec<AccountId>, StoreError> {
        let rows = self.rows(AUDIENCE, &[&id.as_str()]).await?;
        rows.iter().map(account).collect()
    }
}

fn account(row: &Row) -> Result<AccountId, StoreError> {
    get::<uuid::Uuid>(row, "account_id").map(AccountId::from)
}
