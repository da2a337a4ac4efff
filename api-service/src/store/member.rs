//! Who is in organizations and groups.

use std::str::FromStr;

use schema::{GroupRole, OrganizationRole};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;

const OF_ORGANIZATION: &str = "
-- store::member::of_organization
SELECT member.account_id, member.role, member.created_at, profile.name, profile.email
  FROM organization_member AS member
  LEFT JOIN account_profile AS profile ON profile.account_id = member.account_id
 WHERE member.organization_id = $1
   AND member.account_id > $2
   AND ($3 = '' OR lower(profile.name) ^@ lower($3))
 ORDER BY member.account_id
 LIMIT $4";

const OF_GROUP: &str = "
-- store::member::of_group
SELECT member.account_id, member.role, member.created_at, profile.name, profile.email
  FROM group_member AS member
  LEFT JOIN account_profile AS profile ON profile.account_id = member.account_id
 WHERE member.group_id = $1
   AND member.account_id > $2
   AND ($3 = '' OR lower(profile.name) ^@ lower($3))
 ORDER BY member.account_id
 LIMIT $4";

const ROLE_IN_ORGANIZATION: &str = "
-- store::member::role_in_organization
SELECT role
  FROM organization_member
 WHERE organization_id = $1
   AND account_id = $2";

const ROLE_IN_GROUP: &str = "
-- store::member::role_in_group
SELECT role
  FROM group_member
 WHERE group_id = $1
   AND account_id = $2";

const OWNERS: &str = "
-- store::member::owners
SELECT count(*) AS owners
  FROM organization_member
 WHERE organization_id = $1
   AND role = 'owner'";

const PUT_IN_ORGANIZATION: &str = "
-- store::member::put_in_organization
INSERT INTO organization_member (organization_id, account_id, role)
VALUES ($1, $2, $3)
    ON CONFLICT (organization_id, account_id) DO UPDATE SET role = excluded.role";

const PUT_IN_GROUP: &str = "
-- store::member::put_in_group
INSERT INTO group_member (group_id, account_id, role)
VALUES ($1, $2, $3)
    ON CONFLICT (group_id, account_id) DO UPDATE SET role = excluded.role";

const REMOVE_FROM_ORGANIZATION: &str = "
-- store::member::remove_from_organization
DELETE FROM organization_member
 WHERE organization_id = $1
   AND account_id = $2";

const REMOVE_FROM_GROUPS: &str = "
-- store::member::remove_from_groups
DELETE FROM group_member AS member
 USING device_group AS own
 WHERE own.organization_id = $1
   AND member.group_id = own.group_id
   AND member.account_id = $2";

const REMOVE_FROM_GROUP: &str = "
-- store::member::remove_from_group
DELETE FROM group_member
 WHERE group_id = $1
   AND account_id = $2";

/// With what each of them is in the organization.
const IN_GROUPS: &str = "
-- store::member::in_groups
SELECT member.account_id, member.group_id, member.role, mine.role AS organization_role
  FROM group_member AS member
  JOIN device_group AS own ON own.group_id = member.group_id
  LEFT JOIN organization_member AS mine
    ON mine.organization_id = own.organization_id AND mine.account_id = member.account_id
 WHERE member.group_id = ANY($1)
 ORDER BY member.account_id, member.group_id";

const EXISTS: &str = "
-- store::member::account_exists
SELECT account_id
  FROM account
 WHERE account_id = $1
   AND erased_at IS NULL
   FOR KEY SHARE";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    OF_ORGANIZATION,
    OF_GROUP,
    ROLE_IN_ORGANIZATION,
    ROLE_IN_GROUP,
    OWNERS,
    PUT_IN_ORGANIZATION,
    PUT_IN_GROUP,
    REMOVE_FROM_ORGANIZATION,
    REMOVE_FROM_GROUPS,
    REMOVE_FROM_GROUP,
    IN_GROUPS,
    EXISTS,
];

/// A member as stored, with what the account is called.
#[derive(Debug, Clone)]
pub(crate) struct MemberRow<Role> {
    pub(crate) account_id: AccountId,
    pub(crate) role: Role,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// One membership in a group, with what its holder is in the organization.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupMembership {
    pub(crate) account: AccountId,
    pub(crate) group: GroupId,
    pub(crate) role: GroupRole,
    pub(crate) organization_role: Option<OrganizationRole>,
}

/// Which members.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MembersAsked<'a> {
    /// After this account.
    pub(crate) after: Option<Uuid>,
    /// Only names that begin so, in any case.
    pub(crate) prefix: &'a str,
    /// At most so many.
    pub(crate) limit: i64,
}

fn member<Role: FromSqlOwned>(row: &Row) -> Result<MemberRow<Role>, StoreError> {
    Ok(MemberRow {
        account_id: AccountId::from(get::<Uuid>(row, "account_id")?),
        role: get(row, "role")?,
        created_at: get(row, "created_at")?,
        name: get(row, "name")?,
        email: get(row, "email")?,
    })
}

fn role<Role: FromStr>(row: Option<&Row>) -> Result<Option<Role>, StoreError> {
    let Some(row) = row else {
        return Ok(None);
    };
    let word: &str = get(row, "role")?;
    let role = word.parse();
    role.map(Some)
        .map_err(|_| StoreError::Row { column: "role" })
}

impl Reader<'_> {
    /// A page of an organization's members.
    pub(crate) async fn organization_members(
        self,
        of: OrganizationId,
        asked: MembersAsked<'_>,
    ) -> Result<Vec<MemberRow<OrganizationRole>>, StoreError> {
        let after = asked.after.unwrap_or_default();
        let rows = self
            .rows(
                OF_ORGANIZATION,
                &[&of.uuid(), &after, &asked.prefix, &asked.limit],
            )
            .await?;
        rows.iter().map(member).collect()
    }

    /// A page of a group's own members.
    pub(crate) async fn group_members(
        self,
        of: GroupId,
        asked: MembersAsked<'_>,
    ) -> Result<Vec<MemberRow<GroupRole>>, StoreError> {
        let after = asked.after.unwrap_or_default();
        let rows = self
            .rows(OF_GROUP, &[&of.uuid(), &after, &asked.prefix, &asked.limit])
            .await?;
        rows.iter().map(member).collect()
    }

    /// What an account is in an organization.
    pub(crate) async fn organization_role(
        self,
        of: OrganizationId,
        account: AccountId,
    ) -> Result<Option<OrganizationRole>, StoreError> {
        let row = self
            .row(ROLE_IN_ORGANIZATION, &[&of.uuid(), &account.uuid()])
            .await?;
        role(row.as_ref())
    }

    /// What an account is in a group itself.
    pub(crate) async fn group_role(
        self,
        of: GroupId,
        account: AccountId,
    ) -> Result<Option<GroupRole>, StoreError> {
        let row = self
            .row(ROLE_IN_GROUP, &[&of.uuid(), &account.uuid()])
            .await?;
        role(row.as_ref())
    }

    /// The memberships in some groups, by account.
    pub(crate) async fn memberships_in(
        self,
        groups: &[GroupId],
    ) -> Result<Vec<GroupMembership>, StoreError> {
        let groups: Vec<Uuid> = groups.iter().map(|id| id.uuid()).collect();
        let rows = self.rows(IN_GROUPS, &[&groups]).await?;
        rows.iter()
            .map(|row| {
                Ok(GroupMembership {
                    account: AccountId::from(get::<Uuid>(row, "account_id")?),
                    group: GroupId::from(get::<Uuid>(row, "group_id")?),
                    role: get(row, "role")?,
                    organization_role: get(row, "organization_role")?,
                })
            })
            .collect()
    }
}

impl Tx<'_> {
    /// How many owners an organization has. True until the end of a transaction that holds its row.
    pub(crate) async fn count_owners(&self, of: OrganizationId) -> Result<i64, StoreError> {
        let row = self.row(OWNERS, &[&of.uuid()]).await?;
        get(&row.ok_or(StoreError::Row { column: "owners" })?, "owners")
    }

    /// Whether there is such an account; it stays until this transaction ends.
    pub(crate) async fn has_account(&self, id: AccountId) -> Result<bool, StoreError> {
        Ok(self.row(EXISTS, &[&id.uuid()]).await?.is_some())
    }

    /// Gives an account a role in an organization.
    pub(crate) async fn put_in_organization(
        &self,
        of: OrganizationId,
        account: AccountId,
        role: OrganizationRole,
    ) -> Result<(), StoreError> {
        self.change_one(
            "put in organization",
            PUT_IN_ORGANIZATION,
            &[&of.uuid(), &account.uuid(), &role],
        )
        .await
    }

    /// Gives an account a role in a group.
    pub(crate) async fn put_in_group(
        &self,
        of: GroupId,
        account: AccountId,
        role: GroupRole,
    ) -> Result<(), StoreError> {
        self.change_one(
            "put in group",
            PUT_IN_GROUP,
            &[&of.uuid(), &account.uuid(), &role],
        )
        .await
    }

    /// Takes an account out of an organization and out of every group of it. Says whether it was in
    /// any.
    pub(crate) async fn remove_from_organization(
        &self,
        of: OrganizationId,
        account: AccountId,
    ) -> Result<bool, StoreError> {
        let (of, account) = (of.uuid(), account.uuid());
        let groups = self.change(REMOVE_FROM_GROUPS, &[&of, &account]).await?;
        let whole = self
            .change(REMOVE_FROM_ORGANIZATION, &[&of, &account])
            .await?;
        Ok(groups + whole > 0)
    }

    /// Takes an account out of a group that it is in.
    pub(crate) async fn remove_from_group(
        &self,
        of: GroupId,
        account: AccountId,
    ) -> Result<(), StoreError> {
        self.change_one(
            "remove from group",
            REMOVE_FROM_GROUP,
            &[&of.uuid(), &account.uuid()],
        )
        .await
    }
}
