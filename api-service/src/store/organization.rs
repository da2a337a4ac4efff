//! Organizations.
//!
//! Whoever changes what belongs to an organization (its members, the shape of its groups, invitations)
//! holds the organization's row first, so of two such changes one sees what the other did.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::account_id::AccountId;
use crate::domain::name_place::NamePlace;
use crate::domain::organization_id::OrganizationId;

const GET: &str = "
-- store::organization::get
SELECT organization_id, name, description, plan, plan_expires_at, version, created_at, updated_at,
       lower(name) AS sort_name
  FROM organization
 WHERE organization_id = $1";

/// Not FOR UPDATE: a row that only points here may be added meanwhile.
const LOCK: &str = "
-- store::organization::lock
SELECT organization_id, name, description, plan, plan_expires_at, version, created_at, updated_at,
       lower(name) AS sort_name
  FROM organization
 WHERE organization_id = $1
   FOR NO KEY UPDATE";

/// For a deletion: nothing may come to point here any more.
const LOCK_WHOLE: &str = "
-- store::organization::lock_whole
SELECT organization_id, name, description, plan, plan_expires_at, version, created_at, updated_at,
       lower(name) AS sort_name
  FROM organization
 WHERE organization_id = $1
   FOR UPDATE";

/// Names are compared byte by byte, as the index `organization_name` has them. A beginning is the
/// range up to the last character that there is.
const LIST: &str = "
-- store::organization::list
SELECT organization_id, name, description, plan, plan_expires_at, version, created_at, updated_at,
       lower(name) AS sort_name
  FROM organization
 WHERE lower(name) ~>=~ lower($1)
   AND lower(name) ~<=~ (lower($1) || U&'\\+10FFFF')
   AND lower(name) ~>=~ $2
   AND (lower(name) ~>~ $2 OR organization_id > $3)
 ORDER BY lower(name) USING ~<~, organization_id
 LIMIT $4";

const LIST_OF: &str = "
-- store::organization::list_of
SELECT own.organization_id, own.name, own.description, own.plan, own.plan_expires_at, own.version,
       own.created_at, own.updated_at, lower(own.name) AS sort_name
  FROM organization_member AS mine
  JOIN organization AS own ON own.organization_id = mine.organization_id
 WHERE mine.account_id = $5
   AND lower(own.name) ~>=~ lower($1)
   AND lower(own.name) ~<=~ (lower($1) || U&'\\+10FFFF')
   AND lower(own.name) ~>=~ $2
   AND (lower(own.name) ~>~ $2 OR own.organization_id > $3)
 ORDER BY lower(own.name) USING ~<~, own.organization_id
 LIMIT $4";

const INSERT: &str = "
-- store::organization::insert
INSERT INTO organization (organization_id, name, description)
VALUES ($1, $2, $3)";

const UPDATE: &str = "
-- store::organization::update
UPDATE organization
   SET name = $2, description = $3, version = version + 1, updated_at = now()
 WHERE organization_id = $1";

const OWNED: &str = "
-- store::organization::owned
SELECT count(*) AS organizations
  FROM organization_member
 WHERE account_id = $1
   AND role = 'owner'";

/// One account's organizations are counted by one request at a time.
const LOCK_ACCOUNT: &str = "
-- store::organization::lock_account
SELECT account_id
  FROM account
 WHERE account_id = $1
   FOR NO KEY UPDATE";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[
    GET,
    LOCK,
    LOCK_WHOLE,
    LIST,
    LIST_OF,
    INSERT,
    UPDATE,
    OWNED,
    LOCK_ACCOUNT,
];

/// An organization as stored.
#[derive(Debug, Clone)]
pub(crate) struct OrganizationRow {
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) plan: String,
    pub(crate) plan_expires_at: Option<OffsetDateTime>,
    pub(crate) version: i64,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(super) sort_name: String,
}

/// Which page of organizations, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganizationsAsked<'a> {
    /// Only those this account is in; every one without.
    pub(crate) of: Option<AccountId>,
    /// Only names that begin so, in any case.
    pub(crate) prefix: &'a str,
    /// After this place.
    pub(crate) after: Option<&'a NamePlace>,
    /// At most so many.
    pub(crate) limit: i64,
}

impl TryFrom<&Row> for OrganizationRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: OrganizationId::from(get::<Uuid>(row, "organization_id")?),
            name: get(row, "name")?,
            description: get(row, "description")?,
            plan: get(row, "plan")?,
            plan_expires_at: get(row, "plan_expires_at")?,
            version: get(row, "version")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            sort_name: get(row, "sort_name")?,
        })
    }
}

impl OrganizationRow {
    /// Where it stands in a list by name.
    pub(crate) fn place(&self) -> NamePlace {
        NamePlace {
            name: self.sort_name.clone(),
            id: self.organization_id.uuid(),
        }
    }
}

impl Reader<'_> {
    /// An organization.
    pub(crate) async fn organization(
        self,
        id: OrganizationId,
    ) -> Result<Option<OrganizationRow>, StoreError> {
        let row = self.row(GET, &[&id.uuid()]).await?;
        row.as_ref().map(OrganizationRow::try_from).transpose()
    }

    /// A page of organizations by name.
    pub(crate) async fn organizations(
        self,
        asked: OrganizationsAsked<'_>,
    ) -> Result<Vec<OrganizationRow>, StoreError> {
        let (after, id) = NamePlace::start(asked.after);
        let rows = match asked.of {
            None => {
                self.rows(LIST, &[&asked.prefix, &after, &id, &asked.limit])
                    .await?
            }
            Some(of) => {
                let of = of.uuid();
                self.rows(LIST_OF, &[&asked.prefix, &after, &id, &asked.limit, &of])
                    .await?
            }
        };
        rows.iter().map(OrganizationRow::try_from).collect()
    }
}

impl Tx<'_> {
    /// An organization, held until this transaction ends against every other change of what belongs
    /// to it.
    pub(crate) async fn lock_organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<OrganizationRow>, StoreError> {
        let row = self.row(LOCK, &[&id.uuid()]).await?;
        row.as_ref().map(OrganizationRow::try_from).transpose()
    }

    /// The same against anything that would come to belong to it, for its deletion.
    pub(crate) async fn lock_whole_organization(
        &self,
        id: OrganizationId,
    ) -> Result<Option<OrganizationRow>, StoreError> {
        let row = self.row(LOCK_WHOLE, &[&id.uuid()]).await?;
        row.as_ref().map(OrganizationRow::try_from).transpose()
    }

    /// How many organizations an account owns. The number holds until this transaction ends.
    pub(crate) async fn owned_organizations(&self, of: AccountId) -> Result<i64, StoreError> {
        self.row(LOCK_ACCOUNT, &[&of.uuid()]).await?;
        let row = self.row(OWNED, &[&of.uuid()]).await?;
        let column = "organizations";
        get(&row.ok_or(StoreError::Row { column })?, column)
    }

    /// Stores a new organization.
    pub(crate) async fn insert_organization(
        &self,
        id: OrganizationId,
        name: &str,
        description: Option<&str>,
    ) -> Result<(), StoreError> {
        self.change_one(
            "insert organization",
            INSERT,
            &[&id.uuid(), &name, &description],
        )
        .await
    }

    /// Names and describes an organization anew.
    pub(crate) async fn update_organization(
        &self,
        id: OrganizationId,
        name: &str,
        description: Option<&str>,
    ) -> Result<(), StoreError> {
        self.change_one(
            "update organization",
            UPDATE,
            &[&id.uuid(), &name, &description],
        )
        .await
    }
}
