//! Who lost something, and the end of their sessions.

use std::collections::{BTreeMap, BTreeSet};

use schema::words::END_ACCOUNT_SESSIONS;
use serde_json::json;

use crate::domain::access::{Person, Place, access, is_less};
use crate::domain::account_id::AccountId;
use crate::domain::organization_id::OrganizationId;
use crate::store::member::GroupMembership;
use crate::store::{StoreError, Tx};

/// Ends every session of some accounts when this transaction counts.
pub(super) async fn end_sessions(
    tx: &Tx<'_>,
    of: impl IntoIterator<Item = AccountId>,
) -> Result<(), StoreError> {
    // One entry an account, in one order for everybody.
    let accounts: BTreeSet<AccountId> = of.into_iter().collect();
    for account in accounts {
        tx.add_to_outbox(END_ACCOUNT_SESSIONS, account.to_string(), &json!({}))
            .await?;
    }
    Ok(())
}

/// Everybody of some memberships, with all that they are there.
pub(super) fn persons(memberships: &[GroupMembership], within: OrganizationId) -> Vec<Person> {
    let mut persons = BTreeMap::new();
    for membership in memberships {
        let person = persons.entry(membership.account).or_insert_with(|| Person {
            account: membership.account,
            is_admin: false,
            organizations: membership
                .organization_role
                .map(|role| (within, role))
                .into_iter()
                .collect(),
            groups: Vec::new(),
        });
        person.groups.push((membership.group, membership.role));
    }
    persons.into_values().collect()
}

/// Those who may do less at one place than at another.
pub(super) fn losers(persons: &[Person], before: &Place, after: &Place) -> Vec<AccountId> {
    let lost = |person: &&Person| is_less(access(person, before), access(person, after));
    let losers = persons.iter().filter(lost);
    losers.map(|person| person.account).collect()
}

#[cfg(test)]
mod tests {
    use schema::{GroupRole, OrganizationRole};
    use uuid::Uuid;

    use super::*;
    use crate::domain::group_id::GroupId;

    #[test]
    fn who_keeps_a_right_in_another_way_loses_nothing() {
        let acme = OrganizationId::from(Uuid::from_u128(1));
        let [old, new, moved] = [2, 3, 4].map(|n| GroupId::from(Uuid::from_u128(n)));
        let [gone, kept, whole, up] = [5, 6, 7, 8].map(|n| AccountId::from(Uuid::from_u128(n)));
        let in_group = |account, group, role, organization_role| GroupMembership {
            account,
            group,
            role,
            organization_role,
        };
        let memberships = [
            in_group(gone, old, GroupRole::Viewer, None),
            in_group(kept, old, GroupRole::Member, None),
            in_group(kept, moved, GroupRole::Member, None),
            in_group(
                whole,
                old,
                GroupRole::Viewer,
                Some(OrganizationRole::Viewer),
            ),
            in_group(up, old, GroupRole::Viewer, None),
            in_group(up, new, GroupRole::Admin, None),
        ];
        let place = |path: &[GroupId]| Place {
            owner: None,
            organization: Some(acme),
            path: path.to_vec(),
        };
        let persons = persons(&memberships, acme);
        let (before, after) = (place(&[moved, old]), place(&[moved, new]));
        assert_eq!(losers(&persons, &before, &after), [gone]);
        // The way back: who managed by the new place has less again.
        assert_eq!(losers(&persons, &after, &before), [up]);
    }
}
