//! Small numbers instead of uuids, the same for as long as this process lives.
//!
//! Numbers are never taken back, so that the table that serves and one that is loaded beside it mean
//! the same by them. What is deleted keeps its 24 bytes; organizations and groups are deleted by
//! hand, accounts never.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

/// Gives out the numbers. The writer has the only one.
#[derive(Debug, Default)]
pub struct Numbers {
    accounts: HashMap<Uuid, u32>,
    organizations: HashMap<Uuid, u32>,
    groups: HashMap<Uuid, u32>,
    issuers: HashSet<Arc<str>>,
}

impl Numbers {
    /// The number of an account.
    pub fn account(&mut self, id: Uuid) -> u32 {
        number(&mut self.accounts, id)
    }

    /// The number of an organization.
    pub fn organization(&mut self, id: Uuid) -> u32 {
        number(&mut self.organizations, id)
    }

    /// The number of a group.
    pub fn group(&mut self, id: Uuid) -> u32 {
        number(&mut self.groups, id)
    }

    /// One copy of an issuer's name for all its accounts.
    pub fn issuer(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.issuers.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = Arc::from(name);
        self.issuers.insert(Arc::clone(&name));
        name
    }
}

fn number(numbers: &mut HashMap<Uuid, u32>, id: Uuid) -> u32 {
    // The last one stands for "none".
    let next = u32::try_from(numbers.len()).expect("there are fewer than four billion of them");
    *numbers.entry(id).or_insert(next)
}
