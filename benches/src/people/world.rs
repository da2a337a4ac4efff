//! A made-up world of people, the same in every process: whose a device is and who is in what follows
//! from numbers.

use dev_issuer::DevIssuer;
use hook_service::fleet::{
    Account, GROUPS_DEEP_MAX, Group, Membership, Numbers, Owner, People, Table, Tree,
};
use serde_json::json;
use uuid::Uuid;

use crate::fleet::{self, Asked, Signed};

/// Organizations, each with one row of groups, nested as deep as they may be.
const ORGANIZATIONS: u32 = 1000;

/// One device of this many is one person's, the others lie in the innermost groups.
const PERSONAL_EVERY: u32 = 4;

/// One request of this many must be denied.
const STRANGER_EVERY: u32 = 16;

const DEEP: u32 = GROUPS_DEEP_MAX as u32;

/// The world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    devices: u32,
    people: u32,
}

impl World {
    pub(crate) fn new(devices: u32, people: u32) -> Self {
        Self { devices, people }
    }

    /// The devices with their owners.
    pub(crate) fn table(self) -> Table {
        fleet::table_of(self.devices, &Signed::default(), |device| {
            self.owner(device)
        })
    }

    /// The people: each one is in the outermost group of one organization, and in another organization.
    pub(crate) fn people(self, issuer: &str) -> People {
        let issuer = Numbers::default().issuer(issuer);
        let accounts = (0..self.people).map(|number| {
            let mut memberships = vec![
                Membership::Group(outermost(organization_of(number))),
                Membership::Organization(ORGANIZATIONS + number % 7),
            ];
            memberships.sort_unstable();
            let account = Account {
                number,
                issuer: issuer.clone(),
                subject: subject(number).into(),
                disabled: false,
                sessions_from: i64::MIN,
                memberships: memberships.into(),
            };
            (account_id(number), account)
        });
        let mut tree = Tree::default();
        for organization in 0..ORGANIZATIONS {
            for depth in 0..DEEP {
                let number = outermost(organization) + depth;
                let parent = (depth > 0).then(|| number - 1);
                tree.put(number, Some(Group::new(organization, parent)));
            }
        }
        People::new(accounts.collect(), tree)
    }

    /// Connects of so many people; some show somebody else's token.
    pub(crate) fn connects(self, asking: u32, issuer: &DevIssuer) -> Vec<Asked> {
        let ask = |person: u32| {
            let allowed = !is_stranger(person);
            let bearer = if allowed {
                person
            } else {
                (person + 1) % self.people
            };
            Asked {
                number: person,
                allowed,
                body: json!({
                    "clientid": client_id(person), "username": "jwt", "peerhost": "10.0.0.1",
                    "password": issuer.mint(&subject(bearer), &[]),
                }),
            }
        };
        self.asking(asking).map(ask).collect()
    }

    /// Subscriptions of so many people, seven groups below the one they are in; some to a device of
    /// another organization.
    pub(crate) fn subscribes(self, asking: u32) -> Vec<Asked> {
        let ask = |person: u32| {
            let allowed = !is_stranger(person);
            let organization = organization_of(person) + u32::from(!allowed);
            let device = self.device_in(organization % ORGANIZATIONS, person);
            let topic = format!("{}/telemetry", fleet::id(device));
            Asked {
                number: person,
                allowed,
                body: json!({
                    "clientid": client_id(person), "username": "jwt", "peerhost": "10.0.0.1",
                    "cert_common_name": "", "action": "subscribe", "topic": topic, "qos": "1",
                    "retain": "",
                }),
            }
        };
        self.asking(asking).map(ask).collect()
    }

    fn asking(self, count: u32) -> impl Iterator<Item = u32> {
        let stride = (self.people / count).max(1);
        (0..count.min(self.people)).map(move |index| index * stride)
    }

    fn owner(self, device: u32) -> Owner {
        if device.is_multiple_of(PERSONAL_EVERY) {
            return Owner::Account(device % self.people);
        }
        let organization = device / PERSONAL_EVERY % ORGANIZATIONS;
        Owner::Group {
            organization,
            group: outermost(organization) + DEEP - 1,
        }
    }

    /// One of an organization's devices, another for most people.
    fn device_in(self, organization: u32, person: u32) -> u32 {
        let turns = self.devices / PERSONAL_EVERY / ORGANIZATIONS;
        let turn = person / ORGANIZATIONS % turns;
        (turn * ORGANIZATIONS + organization) * PERSONAL_EVERY + 1
    }
}

fn organization_of(person: u32) -> u32 {
    person % ORGANIZATIONS
}

fn outermost(organization: u32) -> u32 {
    organization * DEEP
}

/// Every person of this many in the order of those who ask, whatever the stride: by a hash.
fn is_stranger(person: u32) -> bool {
    (person.wrapping_mul(0x9e37_79b9) >> 16).is_multiple_of(STRANGER_EVERY)
}

fn account_id(person: u32) -> Uuid {
    Uuid::from_u128(0x0190_a111_0000_7000_8000_0000_0000_0000 + u128::from(person))
}

fn subject(person: u32) -> String {
    format!("person-{person}")
}

fn client_id(person: u32) -> String {
    format!("usr.{}.tab1", account_id(person))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_asked_about_sees_or_does_not_see_as_the_request_says() {
        let world = World::new(20_000, 5000);
        let (table, people) = (world.table(), world.people("https://issuer"));
        let asked = world.subscribes(1000);
        assert_eq!(asked.len(), 1000);
        let mut denied = 0;
        for each in &asked {
            let topic = each.body["topic"].as_str().unwrap();
            let device = topic.strip_suffix("/telemetry").unwrap();
            let owner = table.device(device.as_bytes(), |found| found.unwrap().owner());
            let account = people.account(account_id(each.number)).unwrap();
            assert_eq!(account.sees(owner, &people.tree()), each.allowed, "{topic}");
            denied += u32::from(!each.allowed);
        }
        assert!((20..200).contains(&denied), "{denied}");
    }
}
