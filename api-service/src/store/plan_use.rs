//! What somebody's plan allows, and how much of it is used.
//!
//! Whoever takes a place of a plan holds the row of the account or organization that has it, and counts
//! after that: of two who want the last place, the second sees what the first took.

use time::OffsetDateTime;
use tokio_postgres::Row;

use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::holder::Holder;
use crate::domain::organization_id::OrganizationId;

/// Not FOR UPDATE: a row that only points here may be added meanwhile.
const LOCK_ACCOUNT: &str = "
-- store::plan_use::lock_account
SELECT erased_at
  FROM account
 WHERE account_id = $1
   FOR NO KEY UPDATE";

/// The clock and not the transaction's begin, which may have waited for the row.
const OF_ACCOUNT: &str = "
-- store::plan_use::of_account
SELECT own.plan AS assigned, own.plan_expires_at, p.plan, p.title, p.devices_max, p.members_max
  FROM account AS own
  JOIN plan AS p
    ON p.plan = CASE WHEN own.plan_expires_at <= clock_timestamp() THEN 'free' ELSE own.plan END
 WHERE own.account_id = $1";

const OF_ORGANIZATION: &str = "
-- store::plan_use::of_organization
SELECT own.plan AS assigned, own.plan_expires_at, p.plan, p.title, p.devices_max, p.members_max
  FROM organization AS own
  JOIN plan AS p
    ON p.plan = CASE WHEN own.plan_expires_at <= clock_timestamp() THEN 'free' ELSE own.plan END
 WHERE own.organization_id = $1";

/// A claim that waits for its device holds a place.
const DEVICES_OF_ACCOUNT: &str = "
-- store::plan_use::devices_of_account
SELECT (SELECT count(*)
          FROM device
         WHERE owner_account_id = $1)
     + (SELECT count(*)
          FROM binding
         WHERE claimant_id = $1
           AND organization_id IS NULL
           AND state = 'pending'
           AND expires_at > clock_timestamp()) AS used";

const DEVICES_OF_ORGANIZATION: &str = "
-- store::plan_use::devices_of_organization
SELECT (SELECT count(*)
          FROM device
         WHERE organization_id = $1)
     + (SELECT count(*)
          FROM binding
         WHERE organization_id = $1
           AND state = 'pending'
           AND expires_at > clock_timestamp()) AS used";

/// Everybody once, whether in the organization or in groups of it.
const MEMBERS: &str = "
-- store::plan_use::members
SELECT count(*) AS used
  FROM (SELECT account_id
          FROM organization_member
         WHERE organization_id = $1
         UNION
        SELECT member.account_id
          FROM device_group AS own
          JOIN group_member AS member ON member.group_id = own.group_id
         WHERE own.organization_id = $1) AS everybody";

const IS_MEMBER: &str = "
-- store::plan_use::is_member
SELECT EXISTS (SELECT
                 FROM organization_member
                WHERE organization_id = $1
                  AND account_id = $2)
       OR EXISTS (SELECT
                    FROM group_member AS member
                    JOIN device_group AS own ON own.group_id = member.group_id
                   WHERE own.organization_id = $1
                     AND member.account_id = $2) AS is_member";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    LOCK_ACCOUNT,
    OF_ACCOUNT,
    OF_ORGANIZATION,
    DEVICES_OF_ACCOUNT,
    DEVICES_OF_ORGANIZATION,
    MEMBERS,
    IS_MEMBER,
];

/// What a plan allows its holder now.
#[derive(Debug, Clone)]
pub(crate) struct AllowedRow {
    /// The plan that the holder was given.
    pub(crate) assigned: String,
    /// Until then; without end if nothing.
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// The plan that counts: the given one, or `free` when that ended.
    pub(crate) plan: String,
    pub(crate) title: String,
    /// Nothing: any number, as below.
    pub(crate) devices_max: Option<i32>,
    pub(crate) members_max: Option<i32>,
}

impl TryFrom<&Row> for AllowedRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            assigned: get(row, "assigned")?,
            expires_at: get(row, "plan_expires_at")?,
            plan: get(row, "plan")?,
            title: get(row, "title")?,
            devices_max: get(row, "devices_max")?,
            members_max: get(row, "members_max")?,
        })
    }
}

impl Reader<'_> {
    /// What the plan of an account or an organization allows now; `None` if there is no such holder.
    pub(crate) async fn allowed(self, holder: Holder) -> Result<Option<AllowedRow>, StoreError> {
        let row = match holder {
            Holder::Account(account) => self.row(OF_ACCOUNT, &[&account.uuid()]).await?,
            Holder::Organization(organization, _) => {
                self.row(OF_ORGANIZATION, &[&organization.uuid()]).await?
            }
        };
        row.as_ref().map(AllowedRow::try_from).transpose()
    }

    /// How many devices a holder has or is about to have.
    pub(crate) async fn devices_used(self, holder: Holder) -> Result<i64, StoreError> {
        let row = match holder {
            Holder::Account(account) => self.row(DEVICES_OF_ACCOUNT, &[&account.uuid()]).await?,
            Holder::Organization(organization, _) => {
                self.row(DEVICES_OF_ORGANIZATION, &[&organization.uuid()])
                    .await?
            }
        };
        used(row)
    }

    /// How many people are in an organization and its groups.
    pub(crate) async fn members_used(self, of: OrganizationId) -> Result<i64, StoreError> {
        used(self.row(MEMBERS, &[&of.uuid()]).await?)
    }

    /// Whether somebody is in an organization or in a group of it.
    pub(crate) async fn is_in(
        self,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<bool, StoreError> {
        let row = self
            .row(IS_MEMBER, &[&organization.uuid(), &account.uuid()])
            .await?;
        let column = "is_member";
        get(&row.ok_or(StoreError::Row { column })?, column)
    }
}

impl Tx<'_> {
    /// Holds the row of who has a plan until the end; `false` if there is no such holder, or only what
    /// an erasure left.
    pub(crate) async fn hold(&self, holder: Holder) -> Result<bool, StoreError> {
        match holder {
            Holder::Account(account) => {
                let row = self.row(LOCK_ACCOUNT, &[&account.uuid()]).await?;
                let erased = row
                    .map(|row| get::<Option<OffsetDateTime>>(&row, "erased_at"))
                    .transpose()?;
                Ok(erased.is_some_and(|at| at.is_none()))
            }
            Holder::Organization(organization, _) => {
                Ok(self.lock_organization(organization).await?.is_some())
            }
        }
    }
}

fn used(row: Option<Row>) -> Result<i64, StoreError> {
    get(&row.ok_or(StoreError::Row { column: "used" })?, "used")
}
