//! The rows that become the people: accounts, what they are in, and the groups.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;

use futures::TryStreamExt;
use tokio_postgres::binary_copy::{BinaryCopyOutRow, BinaryCopyOutStream};
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

use super::FeedError;
use super::log::Piece;
use crate::fleet::{Account, Group, Membership, Numbers, People, PeopleChange, Tree};

/// The columns that make an account. Whoever has been erased has no issuer, and no account here.
macro_rules! accounts {
    ($name:literal, $which:literal) => {
        concat!(
            "\n-- feed::people::",
            $name,
            "
SELECT account_id, issuer, subject, disabled,
       CASE sessions_from WHEN '-infinity' THEN NULL
                          WHEN 'infinity' THEN 9223372036854775807
                          ELSE (extract(epoch FROM sessions_from) * 1000000)::bigint
        END AS sessions_from
  FROM account
 WHERE issuer IS NOT NULL",
            $which
        )
    };
}

/// Every role may see. One of a newer version that this one does not know may not.
macro_rules! memberships {
    ($name:literal, $which:literal) => {
        concat!(
            "\n-- feed::people::",
            $name,
            "
SELECT account_id, organization_id, NULL::uuid AS group_id
  FROM organization_member
 WHERE role IN ('owner', 'admin', 'member', 'viewer')",
            $which,
            "
 UNION ALL
SELECT account_id, NULL, group_id
  FROM group_member
 WHERE role IN ('admin', 'member', 'viewer')",
            $which
        )
    };
}

pub(super) const ACCOUNTS: &str = accounts!("accounts", "\n   AND account_id = ANY($1)");

/// Read by place, because COPY has no names.
pub(super) const ALL_ACCOUNTS: &str = accounts!("all_accounts", "");

pub(super) const MEMBERSHIPS: &str = memberships!("memberships", "\n   AND account_id = ANY($1)");

/// Read by place, because COPY has no names.
pub(super) const ALL_MEMBERSHIPS: &str = memberships!("all_memberships", "");

pub(super) const GROUPS: &str = "
-- feed::people::groups
SELECT group_id, organization_id, parent_id
  FROM device_group
 WHERE group_id = ANY($1)";

pub(super) const ALL_GROUPS: &str = "
-- feed::people::all_groups
SELECT group_id, organization_id, parent_id
  FROM device_group";

/// What these accounts and groups are now. One that has no row is gone.
pub(super) async fn changed(
    client: &impl GenericClient,
    accounts: &BTreeSet<Uuid>,
    groups: &BTreeSet<Uuid>,
    numbers: &mut Numbers,
) -> Result<PeopleChange, FeedError> {
    let mut change = PeopleChange::default();
    if !accounts.is_empty() {
        let wanted: Vec<Uuid> = accounts.iter().copied().collect();
        let mut memberships: HashMap<Uuid, Vec<Membership>> = HashMap::new();
        for row in &client.query(MEMBERSHIPS, &[&wanted]).await? {
            let organization = row.try_get("organization_id")?;
            let membership = membership(numbers, organization, row.try_get("group_id")?);
            let of = memberships.entry(row.try_get("account_id")?).or_default();
            of.extend(membership);
        }
        let mut found = HashMap::new();
        for row in &client.query(ACCOUNTS, &[&wanted]).await? {
            let id: Uuid = row.try_get("account_id")?;
            let issuer: &str = row.try_get("issuer")?;
            let account = account(
                numbers,
                id,
                (issuer, row.try_get("subject")?),
                row.try_get("disabled")?,
                row.try_get("sessions_from")?,
                memberships.remove(&id).unwrap_or_default(),
            );
            found.insert(id, account);
        }
        change.accounts = wanted.iter().map(|id| (*id, found.remove(id))).collect();
    }
    if !groups.is_empty() {
        let wanted: Vec<Uuid> = groups.iter().copied().collect();
        let mut found = HashMap::new();
        for row in &client.query(GROUPS, &[&wanted]).await? {
            let (number, group) = group(numbers, row)?;
            found.insert(number, group);
        }
        let numbered = wanted.iter().map(|id| numbers.group(*id));
        change.groups = numbered.map(|n| (n, found.remove(&n))).collect();
    }
    Ok(change)
}

/// How many accounts and groups differ although the log does not tell of them.
pub(super) fn wrong(current: &People, loaded: &People, told: &Piece) -> usize {
    let accounts = current.differing_accounts(loaded);
    let accounts = accounts.iter().filter(|id| !told.accounts.contains(id));
    let groups = if told.groups.is_empty() {
        current.differing_groups(loaded)
    } else {
        0
    };
    accounts.count() + groups
}

/// Everybody.
pub(super) async fn all(tx: &Transaction<'_>, numbers: &mut Numbers) -> Result<People, FeedError> {
    let mut tree = Tree::default();
    for row in &tx.query(ALL_GROUPS, &[]).await? {
        let (number, group) = group(numbers, row)?;
        tree.put(number, Some(group));
    }
    let mut memberships: HashMap<Uuid, Vec<Membership>> = HashMap::new();
    let types = [Type::UUID, Type::UUID, Type::UUID];
    copied(tx, ALL_MEMBERSHIPS, &types, |row| {
        let membership = membership(numbers, row.try_get(1)?, row.try_get(2)?);
        let of = memberships.entry(row.try_get(0)?).or_default();
        of.extend(membership);
        Ok(())
    })
    .await?;
    let mut accounts = Vec::new();
    let types = [Type::UUID, Type::TEXT, Type::TEXT, Type::BOOL, Type::INT8];
    copied(tx, ALL_ACCOUNTS, &types, |row| {
        let id: Uuid = row.try_get(0)?;
        let names = (row.try_get(1)?, row.try_get(2)?);
        let own = memberships.remove(&id).unwrap_or_default();
        let account = account(numbers, id, names, row.try_get(3)?, row.try_get(4)?, own);
        accounts.push((id, account));
        Ok(())
    })
    .await?;
    Ok(People::new(accounts, tree))
}

async fn copied(
    tx: &Transaction<'_>,
    query: &str,
    types: &[Type],
    mut each: impl FnMut(&BinaryCopyOutRow) -> Result<(), FeedError>,
) -> Result<(), FeedError> {
    let copy = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
    let mut stream = pin!(BinaryCopyOutStream::new(tx.copy_out(&copy).await?, types));
    while let Some(row) = stream.try_next().await? {
        each(&row)?;
    }
    Ok(())
}

fn account(
    numbers: &mut Numbers,
    id: Uuid,
    (issuer, subject): (&str, &str),
    disabled: bool,
    sessions_from: Option<i64>,
    mut memberships: Vec<Membership>,
) -> Account {
    memberships.sort_unstable();
    Account {
        number: numbers.account(id),
        issuer: numbers.issuer(issuer),
        subject: Box::from(subject),
        disabled,
        sessions_from: sessions_from.unwrap_or(i64::MIN),
        memberships: memberships.into(),
    }
}

fn membership(
    numbers: &mut Numbers,
    organization: Option<Uuid>,
    group: Option<Uuid>,
) -> Option<Membership> {
    let organization = organization.map(|id| Membership::Organization(numbers.organization(id)));
    organization.or_else(|| group.map(|id| Membership::Group(numbers.group(id))))
}

fn group(numbers: &mut Numbers, row: &Row) -> Result<(u32, Group), FeedError> {
    let parent: Option<Uuid> = row.try_get("parent_id")?;
    let parent = parent.map(|id| numbers.group(id));
    let organization = numbers.organization(row.try_get("organization_id")?);
    let number = numbers.group(row.try_get("group_id")?);
    Ok((number, Group::new(organization, parent)))
}
