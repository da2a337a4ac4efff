//! What goes along when a group or an organization is deleted, counted and taken away.

use tokio_postgres::Row;
use uuid::Uuid;

use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::deletion::Along;
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;

const OF_GROUP: &str = "
-- store::deletion::of_group
WITH RECURSIVE below (group_id, level) AS (
    SELECT $1::uuid, 1
     UNION ALL
    SELECT under.group_id, below.level + 1
      FROM below
      JOIN device_group AS under ON under.parent_id = below.group_id
     WHERE below.level < 16
), taken AS (
    SELECT ARRAY(SELECT group_id FROM below ORDER BY group_id) AS groups
)
SELECT taken.groups,
       (SELECT count(*) FROM device WHERE group_id = ANY(taken.groups)) AS devices,
       (SELECT count(*) FROM group_member WHERE group_id = ANY(taken.groups)) AS members,
       (SELECT count(*) FROM invitation
         WHERE group_id = ANY(taken.groups) AND ended_at IS NULL AND expires_at > now())
           AS invitations,
       (SELECT count(*) FROM binding
         WHERE group_id = ANY(taken.groups) AND state = 'pending') AS bindings
  FROM taken";

const OF_ORGANIZATION: &str = "
-- store::deletion::of_organization
SELECT ARRAY(SELECT group_id FROM device_group WHERE organization_id = $1 ORDER BY group_id)
           AS groups,
       (SELECT count(*) FROM device WHERE organization_id = $1) AS devices,
       (SELECT count(*) FROM organization_member WHERE organization_id = $1) AS members,
       (SELECT count(*) FROM invitation
         WHERE organization_id = $1 AND ended_at IS NULL AND expires_at > now()) AS invitations,
       (SELECT count(*) FROM binding WHERE organization_id = $1 AND state = 'pending') AS bindings";

const LOCK_DEVICES: &str = "
-- store::deletion::lock_devices
SELECT device_id
  FROM device
 WHERE group_id = ANY($1)
 ORDER BY device_id
   FOR UPDATE";

const MOVE_DEVICES: &str = "
-- store::deletion::move_devices
UPDATE device
   SET group_id = $2, version = version + 1, updated_at = now()
 WHERE group_id = ANY($1)";

const DELETE_GROUP_MEMBERS: &str = "
-- store::deletion::delete_group_members
DELETE FROM group_member
 WHERE group_id = ANY($1)";

const DELETE_GROUPS: &str = "
-- store::deletion::delete_groups
DELETE FROM device_group
 WHERE group_id = ANY($1)";

const DELETE_INVITATIONS: &str = "
-- store::deletion::delete_invitations
DELETE FROM invitation
 WHERE organization_id = $1";

const DELETE_MEMBERS: &str = "
-- store::deletion::delete_members
DELETE FROM organization_member
 WHERE organization_id = $1
RETURNING account_id";

const DELETE_ORGANIZATION: &str = "
-- store::deletion::delete_organization
DELETE FROM organization
 WHERE organization_id = $1";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    OF_GROUP,
    OF_ORGANIZATION,
    LOCK_DEVICES,
    MOVE_DEVICES,
    DELETE_GROUP_MEMBERS,
    DELETE_GROUPS,
    DELETE_INVITATIONS,
    DELETE_MEMBERS,
    DELETE_ORGANIZATION,
];

fn along(row: Option<Row>) -> Result<Along, StoreError> {
    let row = row.ok_or(StoreError::Row { column: "groups" })?;
    let groups: Vec<Uuid> = get(&row, "groups")?;
    Ok(Along {
        groups: groups.into_iter().map(GroupId::from).collect(),
        devices: get(&row, "devices")?,
        members: get(&row, "members")?,
        invitations: get(&row, "invitations")?,
        bindings: get(&row, "bindings")?,
    })
}

impl Reader<'_> {
    /// What a group's deletion takes along, the group itself among the groups.
    pub(crate) async fn along_with_group(self, id: GroupId) -> Result<Along, StoreError> {
        along(self.row(OF_GROUP, &[&id.uuid()]).await?)
    }

    /// What an organization's deletion takes along.
    pub(crate) async fn along_with_organization(
        self,
        id: OrganizationId,
    ) -> Result<Along, StoreError> {
        along(self.row(OF_ORGANIZATION, &[&id.uuid()]).await?)
    }
}

impl Tx<'_> {
    /// Deletes groups with their memberships and invitations; their devices go to another group, or
    /// right below the organization.
    pub(crate) async fn delete_groups(
        &self,
        groups: &[GroupId],
        devices_to: Option<GroupId>,
    ) -> Result<(), StoreError> {
        let groups: Vec<Uuid> = groups.iter().map(|id| id.uuid()).collect();
        let devices_to = devices_to.map(GroupId::uuid);
        // In the order of ids, as everybody who locks several devices does.
        self.rows(LOCK_DEVICES, &[&groups]).await?;
        self.change(MOVE_DEVICES, &[&groups, &devices_to]).await?;
        self.change(DELETE_GROUP_MEMBERS, &[&groups]).await?;
        self.change(DELETE_GROUPS, &[&groups]).await?;
        Ok(())
    }

    /// Deletes an organization that has no device any more. Gives who was in it.
    pub(crate) async fn delete_organization(
        &self,
        id: OrganizationId,
        groups: &[GroupId],
    ) -> Result<Vec<crate::domain::account_id::AccountId>, StoreError> {
        let groups: Vec<Uuid> = groups.iter().map(|id| id.uuid()).collect();
        let id = id.uuid();
        self.change(DELETE_INVITATIONS, &[&id]).await?;
        self.change(DELETE_GROUP_MEMBERS, &[&groups]).await?;
        self.change(DELETE_GROUPS, &[&groups]).await?;
        let members = self.rows(DELETE_MEMBERS, &[&id]).await?;
        self.change_one("delete organization", DELETE_ORGANIZATION, &[&id])
            .await?;
        members
            .iter()
            .map(|row| get::<Uuid>(row, "account_id").map(Into::into))
            .collect()
    }
}
