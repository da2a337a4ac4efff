//! Groups of devices: a tree for each organization.
//!
//! Its shape and names are changed under the organization's row lock, so no two moves can close a cycle
//! between them, and what was counted stays true until the change.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::access::Visible;
use super::reader::Reader;
use super::row::get;
use super::{StoreError, Tx};
use crate::domain::group_id::GroupId;
use crate::domain::name_place::NamePlace;
use crate::domain::organization_id::OrganizationId;

const GET: &str = "
-- store::group::get
SELECT own.group_id, own.organization_id, whole.name AS organization_name, own.parent_id, own.name,
       own.description, own.version, own.created_at, own.updated_at, lower(own.name) AS sort_name
  FROM device_group AS own
  JOIN organization AS whole ON whole.organization_id = own.organization_id
 WHERE own.group_id = $1";

/// Names are compared byte by byte, as organizations' are.
const LIST: &str = "
-- store::group::list
SELECT own.group_id, own.organization_id, whole.name AS organization_name, own.parent_id, own.name,
       own.description, own.version, own.created_at, own.updated_at, lower(own.name) AS sort_name
  FROM device_group AS own
  JOIN organization AS whole ON whole.organization_id = own.organization_id
 WHERE (own.organization_id = ANY($1) OR own.group_id = ANY($2))
   AND ($3::uuid IS NULL OR own.organization_id = $3)
   AND ($4::uuid IS NULL OR own.parent_id = $4)
   AND (NOT $5 OR own.parent_id IS NULL)
   AND lower(own.name) ~>=~ lower($6)
   AND lower(own.name) ~<=~ (lower($6) || U&'\\+10FFFF')
   AND lower(own.name) ~>=~ $7
   AND (lower(own.name) ~>~ $7 OR own.group_id > $8)
 ORDER BY lower(own.name) USING ~<~, own.group_id
 LIMIT $9";

/// How many levels a group and all below it take.
const HEIGHT: &str = "
-- store::group::height
WITH RECURSIVE below (group_id, level) AS (
    SELECT $1::uuid, 1
     UNION ALL
    SELECT under.group_id, below.level + 1
      FROM below
      JOIN device_group AS under ON under.parent_id = below.group_id
     WHERE below.level < 16
)
SELECT max(level) AS height
  FROM below";

const COUNT: &str = "
-- store::group::count
SELECT count(*) AS groups
  FROM device_group
 WHERE organization_id = $1";

const NAMED: &str = "
-- store::group::named
SELECT group_id
  FROM device_group
 WHERE organization_id = $1
   AND parent_id IS NOT DISTINCT FROM $2
   AND name = $3";

const INSERT: &str = "
-- store::group::insert
INSERT INTO device_group (group_id, organization_id, parent_id, name, description)
VALUES ($1, $2, $3, $4, $5)";

const UPDATE: &str = "
-- store::group::update
UPDATE device_group
   SET name = $2, description = $3, parent_id = $4, version = version + 1, updated_at = now()
 WHERE group_id = $1";

/// Every statement of this file.
pub(super) const STATEMENTS: &[&str] = &[GET, LIST, HEIGHT, COUNT, NAMED, INSERT, UPDATE];

/// A group as stored, with its organization's name.
#[derive(Debug, Clone)]
pub(crate) struct GroupRow {
    pub(crate) group_id: GroupId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) organization_name: String,
    pub(crate) parent_id: Option<GroupId>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) version: i64,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    sort_name: String,
}

/// Which groups, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupFilter {
    /// Only right below this one.
    pub(crate) parent: Option<GroupId>,
    /// Only right below the organization.
    pub(crate) roots: bool,
    /// Only names that begin so, in any case.
    pub(crate) prefix: String,
}

/// What a group is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupWrite<'a> {
    pub(crate) group_id: GroupId,
    pub(crate) parent_id: Option<GroupId>,
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
}

impl TryFrom<&Row> for GroupRow {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            group_id: GroupId::from(get::<Uuid>(row, "group_id")?),
            organization_id: OrganizationId::from(get::<Uuid>(row, "organization_id")?),
            organization_name: get(row, "organization_name")?,
            parent_id: get::<Option<Uuid>>(row, "parent_id")?.map(GroupId::from),
            name: get(row, "name")?,
            description: get(row, "description")?,
            version: get(row, "version")?,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            sort_name: get(row, "sort_name")?,
        })
    }
}

impl GroupRow {
    /// Where it stands in a list by name.
    pub(crate) fn place(&self) -> NamePlace {
        NamePlace {
            name: self.sort_name.clone(),
            id: self.group_id.uuid(),
        }
    }
}

impl Reader<'_> {
    /// A group.
    pub(crate) async fn group(self, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
        let row = self.row(GET, &[&id.uuid()]).await?;
        row.as_ref().map(GroupRow::try_from).transpose()
    }

    /// A page of the groups in what somebody sees, by name; of one organization or of all.
    pub(crate) async fn groups(
        self,
        visible: &Visible,
        organization: Option<OrganizationId>,
        filter: &GroupFilter,
        after: Option<&NamePlace>,
        limit: i64,
    ) -> Result<Vec<GroupRow>, StoreError> {
        let organizations: Vec<Uuid> = visible.organizations.iter().map(|id| id.uuid()).collect();
        let groups: Vec<Uuid> = visible.groups.iter().map(|id| id.uuid()).collect();
        let organization = organization.map(OrganizationId::uuid);
        let parent = filter.parent.map(GroupId::uuid);
        let (after, id) = NamePlace::start(after);
        let rows = self
            .rows(
                LIST,
                &[
                    &organizations,
                    &groups,
                    &organization,
                    &parent,
                    &filter.roots,
                    &filter.prefix,
                    &after,
                    &id,
                    &limit,
                ],
            )
            .await?;
        rows.iter().map(GroupRow::try_from).collect()
    }
}

impl Tx<'_> {
    /// How many levels a group and all below it take: 1 for one without children.
    pub(crate) async fn group_height(&self, id: GroupId) -> Result<usize, StoreError> {
        let column = "height";
        let row = self.row(HEIGHT, &[&id.uuid()]).await?;
        let height: i32 = get(&row.ok_or(StoreError::Row { column })?, column)?;
        usize::try_from(height).map_err(|_| StoreError::Row { column })
    }

    /// How many groups an organization has.
    pub(crate) async fn count_groups(&self, of: OrganizationId) -> Result<i64, StoreError> {
        let row = self.row(COUNT, &[&of.uuid()]).await?;
        get(&row.ok_or(StoreError::Row { column: "groups" })?, "groups")
    }

    /// The group of a name right below another or below the organization.
    pub(crate) async fn group_named(
        &self,
        organization: OrganizationId,
        parent: Option<GroupId>,
        name: &str,
    ) -> Result<Option<GroupId>, StoreError> {
        let parent = parent.map(GroupId::uuid);
        let row = self
            .row(NAMED, &[&organization.uuid(), &parent, &name])
            .await?;
        row.map(|row| get::<Uuid>(&row, "group_id").map(GroupId::from))
            .transpose()
    }

    /// Stores a new group.
    pub(crate) async fn insert_group(
        &self,
        organization: OrganizationId,
        new: GroupWrite<'_>,
    ) -> Result<(), StoreError> {
        let parent = new.parent_id.map(GroupId::uuid);
        let id = new.group_id.uuid();
        self.change_one(
            "insert group",
            INSERT,
            &[
                &id,
                &organization.uuid(),
                &parent,
                &new.name,
                &new.description,
            ],
        )
        .await
    }

    /// Names, describes and places a group anew.
    pub(crate) async fn update_group(&self, group: GroupWrite<'_>) -> Result<(), StoreError> {
        let parent = group.parent_id.map(GroupId::uuid);
        let id = group.group_id.uuid();
        self.change_one(
            "update group",
            UPDATE,
            &[&id, &group.name, &group.description, &parent],
        )
        .await
    }
}
