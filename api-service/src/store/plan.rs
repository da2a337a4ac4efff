//! Plans, and who has which.

use time::OffsetDateTime;
use tokio_postgres::Row;

use super::row::{get, word};
use super::{Connection, StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::organization_id::OrganizationId;
use crate::domain::plan::PlanId;

const LIST: &str = "
-- store::plan::list
SELECT plan, title, devices_max, members_max, version, created_at, updated_at
  FROM plan
 WHERE plan > $1
 ORDER BY plan
 LIMIT $2";

const GET: &str = "
-- store::plan::get
SELECT plan, title, devices_max, members_max, version, created_at, updated_at
  FROM plan
 WHERE plan = $1";

/// Whoever gives a plan to somebody waits for this.
const LOCK: &str = "
-- store::plan::lock
SELECT plan, title, devices_max, members_max, version, created_at, updated_at
  FROM plan
 WHERE plan = $1
   FOR UPDATE";

const INSERT: &str = "
-- store::plan::insert
INSERT INTO plan (plan, title, devices_max, members_max)
VALUES ($1, $2, $3, $4)
    ON CONFLICT (plan) DO NOTHING";

const UPDATE: &str = "
-- store::plan::update
UPDATE plan
   SET title = $2, devices_max = $3, members_max = $4, version = version + 1, updated_at = now()
 WHERE plan = $1";

const DELETE: &str = "
-- store::plan::delete
DELETE FROM plan
 WHERE plan = $1";

const IN_USE: &str = "
-- store::plan::in_use
SELECT EXISTS (SELECT FROM account WHERE plan = $1)
       OR EXISTS (SELECT FROM organization WHERE plan = $1) AS in_use";

const GIVE_ACCOUNT: &str = "
-- store::plan::give_account
UPDATE account
   SET plan = $2, plan_expires_at = $3, updated_at = now()
 WHERE account_id = $1";

const GIVE_ORGANIZATION: &str = "
-- store::plan::give_organization
UPDATE organization
   SET plan = $2, plan_expires_at = $3, version = version + 1, updated_at = now()
 WHERE organization_id = $1";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    LIST,
    GET,
    LOCK,
    INSERT,
    UPDATE,
    DELETE,
    IN_USE,
    GIVE_ACCOUNT,
    GIVE_ORGANIZATION,
];

/// A plan as stored.
#[derive(Debug, Clone)]
pub(crate) struct PlanRow {
    pub(crate) plan: PlanId,
    pub(crate) title: String,
    /// Nothing: any number, as below.
    pub(crate) devices_max: Option<i32>,
    pub(crate) members_max: Option<i32>,
    /// For `If-Match`.
    pub(crate) version: i64,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// What is written of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanWrite<'a> {
    pub(crate) plan: &'a str,
    pub(crate) title: &'a str,
    pub(crate) devices_max: Option<i32>,
    pub(crate) members_max: Option<i32>,
}

impl TryFrom<&Row> for PlanRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            plan: word(row, "plan", |text| PlanId::parse(text).ok())?,
            title: get(row, "title")?,
            devices_max: get(row, "devices_max")?,
            members_max: get(row, "members_max")?,
            version: get(row, "version")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
        })
    }
}

impl Connection {
    /// Plans in the order of their names, after one.
    pub(crate) async fn plans(
        &self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<PlanRow>, StoreError> {
        let rows = self.rows(LIST, &[&after.unwrap_or(""), &limit]).await?;
        rows.iter().map(PlanRow::try_from).collect()
    }

    /// A plan.
    pub(crate) async fn plan(&self, plan: &str) -> Result<Option<PlanRow>, StoreError> {
        let row = self.row(GET, &[&plan]).await?;
        row.as_ref().map(PlanRow::try_from).transpose()
    }
}

impl Tx<'_> {
    /// A plan.
    pub(crate) async fn plan(&self, plan: &str) -> Result<Option<PlanRow>, StoreError> {
        let row = self.row(GET, &[&plan]).await?;
        row.as_ref().map(PlanRow::try_from).transpose()
    }

    /// A plan, held until the end.
    pub(crate) async fn lock_plan(&self, plan: &str) -> Result<Option<PlanRow>, StoreError> {
        let row = self.row(LOCK, &[&plan]).await?;
        row.as_ref().map(PlanRow::try_from).transpose()
    }

    /// Stores a new plan; `false` if the name is taken.
    pub(crate) async fn insert_plan(&self, plan: PlanWrite<'_>) -> Result<bool, StoreError> {
        Ok(self.change(INSERT, &plan.params()).await? == 1)
    }

    /// Writes a plan anew.
    pub(crate) async fn update_plan(&self, plan: PlanWrite<'_>) -> Result<(), StoreError> {
        self.change_one("update plan", UPDATE, &plan.params()).await
    }

    /// Takes a plan away that nobody has.
    pub(crate) async fn delete_plan(&self, plan: &str) -> Result<(), StoreError> {
        self.change_one("delete plan", DELETE, &[&plan]).await
    }

    /// Whether an account or an organization has a plan, even one that ended.
    pub(crate) async fn is_plan_in_use(&self, plan: &str) -> Result<bool, StoreError> {
        let row = self.row(IN_USE, &[&plan]).await?;
        get(&row.ok_or(StoreError::Row { column: "in_use" })?, "in_use")
    }

    /// Gives an account a plan.
    pub(crate) async fn give_account_plan(
        &self,
        account: AccountId,
        plan: &str,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        self.change_one(
            "give account plan",
            GIVE_ACCOUNT,
            &[&account.uuid(), &plan, &expires_at],
        )
        .await
    }

    /// Gives an organization a plan.
    pub(crate) async fn give_organization_plan(
        &self,
        organization: OrganizationId,
        plan: &str,
        expires_at: Option<OffsetDateTime>,
    ) -> Result<(), StoreError> {
        self.change_one(
            "give organization plan",
            GIVE_ORGANIZATION,
            &[&organization.uuid(), &plan, &expires_at],
        )
        .await
    }
}

impl<'a> PlanWrite<'a> {
    fn params(&'a self) -> [&'a (dyn tokio_postgres::types::ToSql + Sync); 4] {
        [
            &self.plan,
            &self.title,
            &self.devices_max,
            &self.members_max,
        ]
    }
}
