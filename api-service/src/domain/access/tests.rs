//! The table of cases, which the tests of hook-service read too.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use uuid::Uuid;

use super::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default)]
    person: PersonCase,
    thing: ThingCase,
    level: Option<String>,
    because: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct PersonCase {
    account: Option<String>,
    is_admin: bool,
    organizations: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThingCase {
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

fn name(id: Uuid) -> String {
    let text = String::from_utf8(id.into_bytes().into()).unwrap();
    text.trim_end_matches('\0').to_owned()
}

fn words(because: Because) -> String {
    match because {
        Because::PlatformAdmin => "platform admin".to_owned(),
        Because::Owner => "owner".to_owned(),
        Because::Organization(id, role) => format!("organization {} {role}", name(id.uuid())),
        Because::Group(id, role) => format!("group {} {role}", name(id.uuid())),
    }
}

fn roles<Id, Role: FromStr>(of: &BTreeMap<String, String>, to: fn(Uuid) -> Id) -> Vec<(Id, Role)> {
    of.iter()
        .map(|(name, role)| (to(id(name)), role.parse().ok().unwrap()))
        .collect()
}

#[test]
fn every_case_of_the_table_comes_out_as_it_says() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cases.json")).unwrap();
    for Case {
        what,
        person,
        thing,
        level,
        because,
    } in cases
    {
        let person = Person {
            account: AccountId::from(id(person.account.as_deref().unwrap_or("somebody"))),
            is_admin: person.is_admin,
            organizations: roles(&person.organizations, OrganizationId::from),
            groups: roles(&person.groups, GroupId::from),
        };
        let place = Place {
            owner: thing.owner.as_deref().map(id).map(AccountId::from),
            organization: thing
                .organization
                .as_deref()
                .map(id)
                .map(OrganizationId::from),
            path: thing
                .path
                .iter()
                .map(|group| GroupId::from(id(group)))
                .collect(),
        };
        let found = access(&person, &place);
        let found_level = found.map(|access| access.level.as_str().to_owned());
        assert_eq!(found_level, level, "{what}");
        let found_because = found.map(|access| words(access.because));
        assert_eq!(found_because, because, "{what}");
    }
}

#[test]
fn levels_stand_in_order_and_are_read_by_their_words() {
    assert!(Level::ALL.is_sorted());
    for level in Level::ALL {
        assert_eq!(level.as_str().parse(), Ok(level));
    }
    assert_eq!("none".parse::<Level>(), Err(LevelError));
}

#[test]
fn less_is_a_lower_level_or_none() {
    let because = Because::Owner;
    let [see, own] = [Level::See, Level::Own].map(|level| Some(Access { level, because }));
    assert!(is_less(own, see) && is_less(see, None));
    assert!(
        !is_less(see, own) && !is_less(see, see) && !is_less(None, see) && !is_less(None, None)
    );
}
