//! Devices.

use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::domain::holder::Holder;
use crate::domain::lifecycle_table::Standing;
use crate::domain::organization_id::OrganizationId;
use schema::DeviceId;
use schema::Lifecycle;

const GET: &str = "
-- store::device::get
SELECT device_id, lifecycle, suspended, model, firmware_version, public_key, created_at,
       updated_at, revoked_at, owner_account_id, organization_id, group_id, bound_at, name, metadata,
       version, suspended_by_platform
  FROM device
 WHERE device_id = $1";

const LOCK: &str = "
-- store::device::lock
SELECT device_id, lifecycle, suspended, model, firmware_version, public_key, created_at,
       updated_at, revoked_at, owner_account_id, organization_id, group_id, bound_at, name, metadata,
       version, suspended_by_platform
  FROM device
 WHERE device_id = $1
   FOR UPDATE";

const INSERT: &str = "
-- store::device::insert
INSERT INTO device (device_id, model, firmware_version, public_key)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (device_id) DO NOTHING";

const RENEW: &str = "
-- store::device::renew
UPDATE device
   SET public_key = $2, firmware_version = coalesce($3, firmware_version), updated_at = now()
 WHERE device_id = $1";

const REVOKE: &str = "
-- store::device::revoke
UPDATE device
   SET lifecycle = 'revoked', revoked_at = now(), updated_at = now()
 WHERE device_id = $1
   AND lifecycle <> 'revoked'";

const SET_SUSPENDED: &str = "
-- store::device::set_suspended
UPDATE device
   SET suspended = $2, suspended_by_platform = $3, updated_at = now()
 WHERE device_id = $1
   AND lifecycle <> 'revoked'
   AND (suspended, suspended_by_platform) <> ($2, $3)";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[GET, LOCK, INSERT, RENEW, REVOKE, SET_SUSPENDED];

/// A device as stored.
#[derive(Debug, Clone)]
pub(crate) struct DeviceRow {
    pub(crate) device_id: DeviceId,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) suspended: bool,
    pub(crate) model: String,
    pub(crate) firmware_version: Option<String>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) revoked_at: Option<OffsetDateTime>,
    /// Whose it is.
    pub(crate) holder: Option<Holder>,
    /// Since when it is theirs.
    pub(crate) bound_at: Option<OffsetDateTime>,
    /// What they call it.
    pub(crate) name: Option<String>,
    pub(crate) metadata: Value,
    /// Counts what people write about it, for `If-Match`.
    pub(crate) version: i64,
    /// An administrator suspended it: its owner cannot let it in again.
    pub(crate) suspended_by_platform: bool,
}

/// A device about to be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDevice<'a> {
    pub(crate) device_id: &'a DeviceId,
    pub(crate) model: &'a str,
    pub(crate) firmware_version: Option<&'a str>,
    pub(crate) public_key: &'a [u8],
}

impl DeviceRow {
    /// Where it stands, for the table of moves.
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            lifecycle: self.lifecycle,
            suspended: self.suspended,
        }
    }
}

impl TryFrom<&Row> for DeviceRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            device_id: get(row, "device_id")?,
            lifecycle: get(row, "lifecycle")?,
            suspended: get(row, "suspended")?,
            model: get(row, "model")?,
            firmware_version: get(row, "firmware_version")?,
            public_key: get(row, "public_key")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            revoked_at: get(row, "revoked_at")?,
            holder: Holder::from_parts(
                get::<Option<Uuid>>(row, "owner_account_id")?.map(AccountId::from),
                get::<Option<Uuid>>(row, "organization_id")?.map(OrganizationId::from),
                get::<Option<Uuid>>(row, "group_id")?.map(GroupId::from),
            ),
            bound_at: get(row, "bound_at")?,
            name: get(row, "name")?,
            metadata: get(row, "metadata")?,
            version: get(row, "version")?,
            suspended_by_platform: get(row, "suspended_by_platform")?,
        })
    }
}

impl Connection {
    /// A device.
    pub(crate) async fn device(&self, id: &DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        let row = self.row(GET, &[&id.as_str()]).await?;
        row.as_ref().map(DeviceRow::try_from).transpose()
    }
}

impl Tx<'_> {
    /// A device, locked until this transaction ends.
    pub(crate) async fn lock_device(&self, id: &DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        let row = self.row(LOCK, &[&id.as_str()]).await?;
        row.as_ref().map(DeviceRow::try_from).transpose()
    }

    /// Stores a new device; `false` if the id is taken. Waits for another transaction that is about
    /// to take it.
    pub(crate) async fn insert_device(&self, new: NewDevice<'_>) -> Result<bool, StoreError> {
        let id = new.device_id.as_str();
        let touched = self
            .change(
                INSERT,
                &[&id, &new.model, &new.firmware_version, &new.public_key],
            )
            .await?;
        Ok(touched == 1)
    }

    /// Notes key and firmware of a renewal; a firmware that is not told stays.
    pub(crate) async fn renew_device(&self, new: NewDevice<'_>) -> Result<(), StoreError> {
        let id = new.device_id.as_str();
        self.change_one(
            "renew",
            RENEW,
            &[&id, &new.public_key, &new.firmware_version],
        )
        .await
    }

    /// Revokes a device that is not revoked yet.
    pub(crate) async fn revoke_device(&self, id: &DeviceId) -> Result<(), StoreError> {
        self.change_one("revoke", REVOKE, &[&id.as_str()]).await
    }

    /// Suspends or resumes a device for which that is a change; `by_platform` if only an administrator
    /// may resume it.
    pub(crate) async fn set_suspended(
        &self,
        id: &DeviceId,
        suspended: bool,
        by_platform: bool,
    ) -> Result<(), StoreError> {
        let id = id.as_str();
        self.change_one(
            "set suspended",
            SET_SUSPENDED,
            &[&id, &suspended, &by_platform],
        )
        .await
    }
}
