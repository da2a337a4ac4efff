use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::fleet::Owner;

/// The table of cases that api-service's rule is tested by.
const CASES: &str = include_str!("../../../../api-service/src/domain/access/cases.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default)]
    person: Person,
    thing: Thing,
    level: Option<String>,
    #[serde(default, rename = "because")]
    _because: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Person {
    account: Option<String>,
    is_admin: bool,
    organizations: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    owner: Option<String>,
    organization: Option<String>,
    #[serde(default)]
    path: Vec<String>,
}

/// A name of the cases as an id: its letters, filled up.
fn id(name: &str) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Uuid::from_bytes(bytes)
}

fn account(number: u32, memberships: &[Membership]) -> Account {
    let mut memberships = memberships.to_vec();
    memberships.sort_unstable();
    Account {
        number,
        issuer: Arc::from("https://issuer"),
        subject: Box::from("somebody"),
        disabled: false,
        sessions_from: i64::MIN,
        memberships: memberships.into(),
    }
}

/// Whether the person of a case sees its thing, by our table.
fn sees(case: &Case) -> bool {
    let mut numbers = Numbers::default();
    let organizations = case.person.organizations.keys();
    let groups = case.person.groups.keys();
    let mut memberships: Vec<Membership> = organizations
        .map(|name| Membership::Organization(numbers.organization(id(name))))
        .collect();
    memberships.extend(groups.map(|name| Membership::Group(numbers.group(id(name)))));
    let name = case.person.account.as_deref().unwrap_or("somebody");
    let person = account(numbers.account(id(name)), &memberships);

    let organization = case.thing.organization.as_ref();
    let organization = organization.map(|name| numbers.organization(id(name)));
    let path: Vec<u32> = case
        .thing
        .path
        .iter()
        .map(|name| numbers.group(id(name)))
        .collect();
    let mut tree = Tree::default();
    for (depth, group) in path.iter().enumerate() {
        let parent = path.get(depth + 1).copied();
        let organization = organization.expect("groups are an organization's");
        tree.put(*group, Some(Group::new(organization, parent)));
    }
    let owner = match (&case.thing.owner, organization, path.first()) {
        (Some(name), _, _) => Owner::Account(numbers.account(id(name))),
        (None, Some(organization), Some(group)) => Owner::Group {
            organization,
            group: *group,
        },
        (None, Some(organization), None) => Owner::Organization(organization),
        (None, None, _) => Owner::Nobody,
    };
    person.sees(owner, &tree)
}

#[test]
fn whoever_has_any_level_by_api_services_cases_sees_here_and_nobody_else() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let by_admin_alone = case.person.is_admin;
        if !by_admin_alone {
            assert_eq!(sees(&case), case.level.is_some(), "{}", case.what);
        }
    }
}

#[test]
fn the_platforms_admin_has_over_mqtt_only_what_is_theirs() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let mut admins = cases.into_iter().filter(|case| {
        let person = &case.person;
        person.is_admin && person.organizations.is_empty() && person.groups.is_empty()
    });
    assert!(admins.any(|case| case.level.is_some() && !sees(&case)));
}

#[test]
fn what_is_deeper_than_the_limit_or_in_a_ring_ends_the_search() {
    let mut tree = Tree::default();
    for number in 0..20 {
        tree.put(number, Some(Group::new(1, Some(number + 1))));
    }
    assert_eq!(tree.up_from(0, 1).count(), GROUPS_DEEP_MAX);
    tree.put(3, Some(Group::new(1, Some(0))));
    assert_eq!(tree.up_from(0, 1).count(), GROUPS_DEEP_MAX);
    assert_eq!(tree.up_from(0, 2).count(), 0, "of another organization");
    tree.put(1, None);
    assert_eq!(tree.up_from(0, 1).collect::<Vec<_>>(), [0]);
    assert_eq!(tree.up_from(99, 1).count(), 0, "of no group");
}

#[test]
fn numbers_are_the_same_for_the_same_and_different_for_others() {
    let mut numbers = Numbers::default();
    let (a, b) = (id("a"), id("b"));
    assert_eq!(numbers.account(a), numbers.account(a));
    assert_ne!(numbers.account(a), numbers.account(b));
    let issuer = numbers.issuer("https://issuer");
    assert!(Arc::ptr_eq(&issuer, &numbers.issuer("https://issuer")));
}

proptest! {
    #[test]
    fn changes_one_by_one_end_where_a_load_begins(
        changes in prop::collection::vec((0_u8..40, prop::option::of(0_u32..5)), 0..200),
    ) {
        let people = People::default();
        let mut model: BTreeMap<Uuid, Account> = BTreeMap::new();
        for (name, organization) in changes {
            let key = Uuid::from_bytes([name; 16]);
            let new = organization.map(|o| account(u32::from(name), &[Membership::Organization(o)]));
            match &new {
                Some(new) => drop(model.insert(key, new.clone())),
                None => drop(model.remove(&key)),
            }
            let change = PeopleChange { accounts: vec![(key, new)], groups: vec![] };
            people.apply(change);
        }
        let loaded = People::new(model.clone().into_iter().collect(), Tree::default());
        prop_assert_eq!(people.len(), model.len());
        prop_assert!(people.differing_accounts(&loaded).is_empty());
        for (key, account) in &model {
            let found = people.account(*key);
            prop_assert_eq!(found.as_deref(), Some(account));
            let without = model.iter().filter(|(k, _)| *k != key);
            let without = without.map(|(k, a)| (*k, a.clone())).collect();
            let other = People::new(without, Tree::default());
            prop_assert_eq!(people.differing_accounts(&other), vec![*key]);
            prop_assert_eq!(other.differing_accounts(&people), vec![*key]);
        }
    }
}
