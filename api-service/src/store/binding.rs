//! Claims on devices, from the scanned label to the device's own confirmation.
//!
//! Whoever writes here holds the device's row lock, so there is never more than one pending claim.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::get;
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;

use crate::domain::group_id::GroupId;
use crate::domain::holder::Holder;
use crate::domain::organization_id::OrganizationId;
use schema::{BindingState, DeviceId};

const INSERT: &str = "
-- store::binding::insert
INSERT INTO binding (device_id, claimant_id, organization_id, group_id, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
RETURNING binding_id, device_id, claimant_id, organization_id, group_id, state, created_at,
          expires_at, ended_at, false AS is_late";

/// A claim that is over at once: an owner's offer was taken.
const INSERT_BOUND: &str = "
-- store::binding::insert_bound
INSERT INTO binding (device_id, claimant_id, organization_id, group_id, state, expires_at, ended_at)
VALUES ($1, $2, $3, $4, 'bound', now() + interval '1 second', now())
RETURNING binding_id, device_id, claimant_id, organization_id, group_id, state, created_at,
          expires_at, ended_at, false AS is_late";

const PENDING: &str = "
-- store::binding::pending
SELECT binding_id, device_id, claimant_id, organization_id, group_id, state, created_at,
       expires_at, ended_at, expires_at <= now() AS is_late
  FROM binding
 WHERE device_id = $1
   AND state = 'pending'";

const LATEST: &str = "
-- store::binding::latest
SELECT binding_id, device_id, claimant_id, organization_id, group_id, state, created_at,
       expires_at, ended_at, state = 'pending' AND expires_at <= now() AS is_late
  FROM binding
 WHERE device_id = $1
   AND ($2::uuid IS NULL OR claimant_id = $2)
 ORDER BY created_at DESC, binding_id
 LIMIT 1";

const END: &str = "
-- store::binding::end
UPDATE binding
   SET state = $2, ended_at = now()
 WHERE binding_id = $1
   AND state = 'pending'";

const DUE: &str = "
-- store::binding::due
SELECT device_id
  FROM binding
 WHERE state = 'pending'
   AND expires_at <= now()
 ORDER BY expires_at
 LIMIT $1";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[INSERT, INSERT_BOUND, PENDING, LATEST, END, DUE];

/// A claim as stored.
#[derive(Debug, Clone)]
pub(crate) struct BindingRow {
    pub(crate) binding_id: Uuid,
    pub(crate) device_id: DeviceId,
    pub(crate) claimant: AccountId,
    /// For whom.
    pub(crate) holder: Holder,
    pub(crate) state: BindingState,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
    /// Its time is over, and nobody has ended it yet.
    pub(crate) is_late: bool,
}

impl TryFrom<&Row> for BindingRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        let claimant = AccountId::from(get::<Uuid>(row, "claimant_id")?);
        let organization = get::<Option<Uuid>>(row, "organization_id")?;
        let group = get::<Option<Uuid>>(row, "group_id")?;
        let holder = match organization {
            Some(organization) => {
                Holder::Organization(OrganizationId::from(organization), group.map(GroupId::from))
            }
            None => Holder::Account(claimant),
        };
        Ok(Self {
            binding_id: get(row, "binding_id")?,
            device_id: get(row, "device_id")?,
            claimant,
            holder,
            state: get(row, "state")?,
            created_at: get(row, "created_at")?,
            expires_at: get(row, "expires_at")?,
            ended_at: get(row, "ended_at")?,
            is_late: get(row, "is_late")?,
        })
    }
}

impl Connection {
    /// The newest claim on a device, of anybody or of one claimant.
    pub(crate) async fn latest_binding(
        &self,
        id: &DeviceId,
        claimant: Option<AccountId>,
    ) -> Result<Option<BindingRow>, StoreError> {
        let claimant = claimant.map(|account| account.uuid());
        let row = self.row(LATEST, &[&id.as_str(), &claimant]).await?;
        row.as_ref().map(BindingRow::try_from).transpose()
    }

    /// Devices with a claim whose time is over, the longest over first.
    pub(crate) async fn due_bindings(&self, limit: i64) -> Result<Vec<DeviceId>, StoreError> {
        let rows = self.rows(DUE, &[&limit]).await?;
        rows.iter().map(|row| get(row, "device_id")).collect()
    }
}

impl Tx<'_> {
    /// Begins a claim that ends by itself after `seconds`.
    pub(crate) async fn insert_binding(
        &self,
        id: &DeviceId,
        claimant: AccountId,
        holder: Holder,
        seconds: f64,
    ) -> Result<BindingRow, StoreError> {
        let (organization, group) = place(holder);
        let row = self
            .row(
                INSERT,
                &[
                    &id.as_str(),
                    &claimant.uuid(),
                    &organization,
                    &group,
                    &seconds,
                ],
            )
            .await?;
        let row = row.ok_or(StoreError::Row {
            column: "binding_id",
        })?;
        BindingRow::try_from(&row)
    }

    /// Notes a claim that needed no confirmation.
    pub(crate) async fn insert_bound_binding(
        &self,
        id: &DeviceId,
        claimant: AccountId,
        holder: Holder,
    ) -> Result<BindingRow, StoreError> {
        let (organization, group) = place(holder);
        let row = self
            .row(
                INSERT_BOUND,
                &[&id.as_str(), &claimant.uuid(), &organization, &group],
            )
            .await?;
        let row = row.ok_or(StoreError::Row {
            column: "binding_id",
        })?;
        BindingRow::try_from(&row)
    }

    /// The pending claim on a device whose row this transaction holds.
    pub(crate) async fn pending_binding(
        &self,
        id: &DeviceId,
    ) -> Result<Option<BindingRow>, StoreError> {
        let row = self.row(PENDING, &[&id.as_str()]).await?;
        row.as_ref().map(BindingRow::try_from).transpose()
    }

    /// Ends a pending claim.
    pub(crate) async fn end_binding(
        &self,
        binding: Uuid,
        state: BindingState,
    ) -> Result<(), StoreError> {
        self.change_one("end binding", END, &[&binding, &state.as_str()])
            .await
    }
}

fn place(holder: Holder) -> (Option<Uuid>, Option<Uuid>) {
    let organization = holder
        .organization()
        .map(|organization| organization.uuid());
    (organization, holder.group().map(|group| group.uuid()))
}
