//! Lists of devices, page by page in the order of their ids.
//!
//! Each scope (a person, an organization, a group) is walked along its own index, and each gives at
//! most a page; so a page costs as many index entries as there are scopes times its length, whatever
//! the size of the fleet. Only filters that few devices of a scope meet make it walk further.

use schema::{DeviceId, Lifecycle};
use uuid::Uuid;

use super::device::DeviceRow;
use super::{Connection, StoreError};
use crate::domain::account_id::AccountId;
use crate::domain::device_filter::DeviceFilter;
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;

/// The page's ids first, the rows for them then. With a search text, ids and names that begin with it
/// are found along an index each.
const ALL: &str = "
-- store::device_list::all
WITH page AS (
    SELECT found.device_id
      FROM ((SELECT device_id
               FROM device
              WHERE device_id > $1
                AND ($6::text IS NULL OR (device_id >= $6 AND device_id < $7))
                AND ($3::text IS NULL OR lifecycle = $3)
                AND ($4::boolean IS NULL OR suspended = $4)
                AND ($5::text IS NULL OR model = $5)
              ORDER BY device_id
              LIMIT $2)
             UNION
            (SELECT device_id
               FROM device
              WHERE $8::text IS NOT NULL
                AND lower(name) ~>=~ $8
                AND lower(name) ~<~ $9
                AND device_id > $1
                AND ($3::text IS NULL OR lifecycle = $3)
                AND ($4::boolean IS NULL OR suspended = $4)
                AND ($5::text IS NULL OR model = $5)
              ORDER BY device_id
              LIMIT $2)) AS found
     ORDER BY found.device_id
     LIMIT $2
)
SELECT d.device_id, d.lifecycle, d.suspended, d.model, d.firmware_version, d.public_key,
       d.created_at, d.updated_at, d.revoked_at, d.owner_account_id, d.organization_id, d.group_id,
       d.bound_at, d.name, d.metadata, d.version, d.suspended_by_platform
  FROM page
  JOIN device AS d ON d.device_id = page.device_id
 ORDER BY d.device_id";

const OF: &str = "
-- store::device_list::of
WITH page AS (
    SELECT found.device_id
      FROM ((SELECT device_id
               FROM device
              WHERE owner_account_id = $8
                AND device_id > $1
                AND ($3::text IS NULL OR lifecycle = $3)
                AND ($4::boolean IS NULL OR suspended = $4)
                AND ($5::text IS NULL OR model = $5)
                AND ($6::text IS NULL OR starts_with(device_id, $6)
                     OR starts_with(lower(name), $7))
              ORDER BY device_id
              LIMIT $2)
             UNION
            (SELECT walked.device_id
               FROM unnest($9::uuid[]) AS scope (id)
              CROSS JOIN LATERAL (
                    SELECT device_id
                      FROM device
                     WHERE organization_id = scope.id
                       AND device_id > $1
                       AND ($3::text IS NULL OR lifecycle = $3)
                       AND ($4::boolean IS NULL OR suspended = $4)
                       AND ($5::text IS NULL OR model = $5)
                       AND ($6::text IS NULL OR starts_with(device_id, $6)
                            OR starts_with(lower(name), $7))
                     ORDER BY device_id
                     LIMIT $2) AS walked)
             UNION
            (SELECT walked.device_id
               FROM unnest($10::uuid[]) AS scope (id)
              CROSS JOIN LATERAL (
                    SELECT device_id
                      FROM device
                     WHERE group_id = scope.id
                       AND device_id > $1
                       AND ($3::text IS NULL OR lifecycle = $3)
                       AND ($4::boolean IS NULL OR suspended = $4)
                       AND ($5::text IS NULL OR model = $5)
                       AND ($6::text IS NULL OR starts_with(device_id, $6)
                            OR starts_with(lower(name), $7))
                     ORDER BY device_id
                     LIMIT $2) AS walked)) AS found
     ORDER BY found.device_id
     LIMIT $2
)
SELECT d.device_id, d.lifecycle, d.suspended, d.model, d.firmware_version, d.public_key,
       d.created_at, d.updated_at, d.revoked_at, d.owner_account_id, d.organization_id, d.group_id,
       d.bound_at, d.name, d.metadata, d.version, d.suspended_by_platform
  FROM page
  JOIN device AS d ON d.device_id = page.device_id
 ORDER BY d.device_id";

/// A group and all below it.
const BELOW: &str = "
-- store::device_list::below
WITH RECURSIVE below (group_id) AS (
    SELECT $1::uuid
     UNION
    SELECT under.group_id
      FROM below
      JOIN device_group AS under ON under.parent_id = below.group_id
)
SELECT array_agg(group_id) AS groups
  FROM below";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[ALL, OF, BELOW];

/// Above every character that a text may hold, so that `prefix..prefix + LAST` is all that begins
/// with the prefix.
const LAST: char = '\u{10FFFF}';

/// Whose devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scopes {
    /// This person's own.
    pub(crate) account: Option<AccountId>,
    /// Everything in these.
    pub(crate) organizations: Vec<OrganizationId>,
    /// What is in these, and not what is below them.
    pub(crate) groups: Vec<GroupId>,
}

impl Connection {
    /// Devices of the whole fleet; searched by their names too if `by_name`.
    pub(crate) async fn all_devices(
        &self,
        filter: &DeviceFilter,
        by_name: bool,
        after: Option<&DeviceId>,
        limit: i64,
    ) -> Result<Vec<DeviceRow>, StoreError> {
        // No id is empty, so every id comes after the empty text.
        let after = after.map_or("", DeviceId::as_str);
        let search = filter.search.as_deref();
        let id_end = search.map(|text| format!("{text}{LAST}"));
        let name = search.filter(|_| by_name).map(str::to_lowercase);
        let name_end = name.as_ref().map(|text| format!("{text}{LAST}"));
        let rows = self
            .rows(
                ALL,
                &[
                    &after,
                    &limit,
                    &filter.lifecycle.map(Lifecycle::as_str),
                    &filter.suspended,
                    &filter.model(),
                    &search,
                    &id_end,
                    &name,
                    &name_end,
                ],
            )
            .await?;
        rows.iter().map(DeviceRow::try_from).collect()
    }

    /// Devices of some scopes.
    pub(crate) async fn devices_of(
        &self,
        scopes: &Scopes,
        filter: &DeviceFilter,
        after: Option<&DeviceId>,
        limit: i64,
    ) -> Result<Vec<DeviceRow>, StoreError> {
        let after = after.map_or("", DeviceId::as_str);
        let search = filter.search.as_deref();
        let name = search.map(str::to_lowercase);
        let organizations: Vec<Uuid> = scopes.organizations.iter().map(|id| id.uuid()).collect();
        let groups: Vec<Uuid> = scopes.groups.iter().map(|id| id.uuid()).collect();
        let rows = self
            .rows(
                OF,
                &[
                    &after,
                    &limit,
                    &filter.lifecycle.map(Lifecycle::as_str),
                    &filter.suspended,
                    &filter.model(),
                    &search,
                    &name,
                    &scopes.account.map(|account| account.uuid()),
                    &organizations,
                    &groups,
                ],
            )
            .await?;
        rows.iter().map(DeviceRow::try_from).collect()
    }

    /// A group and all below it.
    pub(crate) async fn groups_below(&self, group: GroupId) -> Result<Vec<GroupId>, StoreError> {
        let row = self.row(BELOW, &[&group.uuid()]).await?;
        let row = row.ok_or(StoreError::Row { column: "groups" })?;
        let groups: Vec<Uuid> = super::row::get(&row, "groups")?;
        Ok(groups.into_iter().map(GroupId::from).collect())
    }
}
