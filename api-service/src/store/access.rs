//! Where a thing is and what somebody is there, read in one statement each, and judged by
//! [`crate::domain::access`].
//!
//! A thing to which somebody has no access is answered like one that does not exist.
//!
//! A command locks what it changes before it asks here: what was read then holds until it ends. A
//! membership may still be lost in between; the command then counts as done before the loss.

use schema::{DeviceId, GroupRole, Lifecycle, OrganizationRole};
use tokio_postgres::Row;
use uuid::Uuid;

use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::access::{Access, Because, Person, Place, access, facts};
use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;

/// Paths end after 16 steps whatever the rows say; commands hold them to eight.
const DEVICE: &str = "
-- store::access::device
WITH RECURSIVE thing AS (
    SELECT device_id, lifecycle, suspended, owner_account_id, organization_id, group_id, version
      FROM device
     WHERE device_id = $1
), path (group_id, parent_id, step) AS (
    SELECT own.group_id, own.parent_id, 1
      FROM thing
      JOIN device_group AS own ON own.group_id = thing.group_id
     UNION ALL
    SELECT above.group_id, above.parent_id, path.step + 1
      FROM path
      JOIN device_group AS above ON above.group_id = path.parent_id
     WHERE path.step < 16
)
SELECT thing.device_id, thing.lifecycle, thing.suspended, thing.owner_account_id,
       thing.organization_id, thing.version, mine.role AS organization_role,
       ARRAY(SELECT path.group_id FROM path ORDER BY path.step) AS path,
       ARRAY(SELECT member.role
               FROM path
               LEFT JOIN group_member AS member
                 ON member.group_id = path.group_id AND member.account_id = $2
              ORDER BY path.step) AS path_roles
  FROM thing
  LEFT JOIN organization_member AS mine
    ON mine.organization_id = thing.organization_id AND mine.account_id = $2";

const GROUP: &str = "
-- store::access::group
WITH RECURSIVE path (group_id, organization_id, parent_id, step) AS (
    SELECT group_id, organization_id, parent_id, 1
      FROM device_group
     WHERE group_id = $1
     UNION ALL
    SELECT above.group_id, above.organization_id, above.parent_id, path.step + 1
      FROM path
      JOIN device_group AS above ON above.group_id = path.parent_id
     WHERE path.step < 16
)
SELECT thing.group_id, thing.organization_id, mine.role AS organization_role,
       ARRAY(SELECT path.group_id FROM path ORDER BY path.step) AS path,
       ARRAY(SELECT member.role
               FROM path
               LEFT JOIN group_member AS member
                 ON member.group_id = path.group_id AND member.account_id = $2
              ORDER BY path.step) AS path_roles
  FROM path AS thing
  LEFT JOIN organization_member AS mine
    ON mine.organization_id = thing.organization_id AND mine.account_id = $2
 WHERE thing.step = 1";

const ORGANIZATION: &str = "
-- store::access::organization
SELECT thing.organization_id, mine.role AS organization_role
  FROM organization AS thing
  LEFT JOIN organization_member AS mine
    ON mine.organization_id = thing.organization_id AND mine.account_id = $2
 WHERE thing.organization_id = $1";

/// UNION, not UNION ALL: somebody may be in a group and in one below it.
const VISIBLE: &str = "
-- store::access::visible
WITH RECURSIVE below (group_id) AS (
    SELECT group_id
      FROM group_member
     WHERE account_id = $1
     UNION
    SELECT under.group_id
      FROM below
      JOIN device_group AS under ON under.parent_id = below.group_id
)
SELECT ARRAY(SELECT organization_id
               FROM organization_member
              WHERE account_id = $1
              ORDER BY organization_id) AS organizations,
       ARRAY(SELECT group_id FROM below ORDER BY group_id) AS groups";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[DEVICE, GROUP, ORGANIZATION, VISIBLE];

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    /// Their account.
    pub(crate) account: AccountId,
    /// Whether they have the platform-wide role `admin`.
    pub(crate) is_admin: bool,
}

/// A device as far as rights and the steps of its life need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceScope {
    pub(crate) device_id: DeviceId,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) suspended: bool,
    pub(crate) place: Place,
    pub(crate) version: i64,
}

/// What somebody sees by their memberships.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Visible {
    /// Organizations in which they see everything.
    pub(crate) organizations: Vec<OrganizationId>,
    /// Groups they are in, and all below these.
    pub(crate) groups: Vec<GroupId>,
}

/// A place with what somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    place: Place,
    person: Person,
}

impl Standing {
    fn read(row: &Row, asker: Asker, owner: Option<AccountId>) -> Result<Self, StoreError> {
        let path: Vec<Uuid> = get(row, "path")?;
        let roles: Vec<Option<GroupRole>> = get(row, "path_roles")?;
        let path: Vec<GroupId> = path.into_iter().map(GroupId::from).collect();
        let groups = path.iter().copied().zip(roles);
        let groups = groups.filter_map(|(id, role)| Some((id, role?))).collect();
        Self::with(row, asker, owner, path, groups)
    }

    fn with(
        row: &Row,
        asker: Asker,
        owner: Option<AccountId>,
        path: Vec<GroupId>,
        groups: Vec<(GroupId, GroupRole)>,
    ) -> Result<Self, StoreError> {
        let organization: Option<Uuid> = get(row, "organization_id")?;
        let organization = organization.map(OrganizationId::from);
        let role: Option<OrganizationRole> = get(row, "organization_role")?;
        Ok(Self {
            place: Place {
                owner,
                organization,
                path,
            },
            person: Person {
                account: asker.account,
                is_admin: asker.is_admin,
                organizations: organization.zip(role).into_iter().collect(),
                groups,
            },
        })
    }

    /// What they may do there.
    pub(crate) fn access(&self) -> Option<Access> {
        access(&self.person, &self.place)
    }

    /// Every fact that gives them something there.
    pub(crate) fn facts(&self) -> Vec<Because> {
        facts(&self.person, &self.place)
    }
}

impl Reader<'_> {
    /// A device with what somebody is there, even if that is nothing.
    pub(crate) async fn device_standing(
        self,
        asker: Asker,
        id: &DeviceId,
    ) -> Result<Option<(DeviceScope, Standing)>, StoreError> {
        let Some(row) = self
            .row(DEVICE, &[&id.as_str(), &asker.account.uuid()])
            .await?
        else {
            return Ok(None);
        };
        let owner: Option<Uuid> = get(&row, "owner_account_id")?;
        let standing = Standing::read(&row, asker, owner.map(AccountId::from))?;
        let scope = DeviceScope {
            device_id: get(&row, "device_id")?,
            lifecycle: get(&row, "lifecycle")?,
            suspended: get(&row, "suspended")?,
            place: standing.place.clone(),
            version: get(&row, "version")?,
        };
        Ok(Some((scope, standing)))
    }

    /// A device that somebody may see, with what they may do there.
    pub(crate) async fn device_access(
        self,
        asker: Asker,
        id: &DeviceId,
    ) -> Result<Option<(DeviceScope, Access)>, StoreError> {
        let found = self.device_standing(asker, id).await?;
        Ok(found.and_then(|(scope, standing)| Some((scope, standing.access()?))))
    }

    /// A group that somebody may see: its place and what they may do there.
    pub(crate) async fn group_access(
        self,
        asker: Asker,
        id: GroupId,
    ) -> Result<Option<(Place, Access)>, StoreError> {
        let Some(row) = self
            .row(GROUP, &[&id.uuid(), &asker.account.uuid()])
            .await?
        else {
            return Ok(None);
        };
        let standing = Standing::read(&row, asker, None)?;
        let access = standing.access();
        Ok(access.map(|access| (standing.place, access)))
    }

    /// What somebody may do with an organization that they may see.
    pub(crate) async fn organization_access(
        self,
        asker: Asker,
        id: OrganizationId,
    ) -> Result<Option<Access>, StoreError> {
        let Some(row) = self
            .row(ORGANIZATION, &[&id.uuid(), &asker.account.uuid()])
            .await?
        else {
            return Ok(None);
        };
        Ok(Standing::with(&row, asker, None, Vec::new(), Vec::new())?.access())
    }

    /// The organizations and groups in which somebody sees every device. What is their own comes
    /// beside it.
    pub(crate) async fn visible_groups(self, account: AccountId) -> Result<Visible, StoreError> {
        let row = self.row(VISIBLE, &[&account.uuid()]).await?;
        let row = row.ok_or(StoreError::Row { column: "groups" })?;
        let organizations: Vec<Uuid> = get(&row, "organizations")?;
        let groups: Vec<Uuid> = get(&row, "groups")?;
        Ok(Visible {
            organizations: organizations
                .into_iter()
                .map(OrganizationId::from)
                .collect(),
            groups: groups.into_iter().map(GroupId::from).collect(),
        })
    }
}

/// The same inside a transaction, for what a command decides.
impl Tx<'_> {
    /// This transaction as a place to read.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::from(self)
    }
}
