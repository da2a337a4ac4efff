//! The people: every account with its memberships, and the tree of groups.
//!
//! A read takes no lock. Devices, groups and accounts are written one after the other in this order,
//! and a decision reads them the other way round: the account, then the tree, then the device. What it
//! saw of an account is then never newer than what it saw of a device, so it allows what was right at
//! some moment, or what somebody has just lost; and who loses something is cut off behind the fence of
//! that very change.

mod account;
mod numbers;
mod sharded;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Arc;

use arc_swap::ArcSwap;
use uuid::Uuid;

pub use self::account::{Account, Membership};
pub use self::numbers::Numbers;
use self::sharded::Sharded;
pub use self::tree::{GROUPS_DEEP_MAX, Group, Tree};

/// The people.
#[derive(Debug)]
pub struct People {
    accounts: Sharded<Uuid, Account>,
    tree: ArcSwap<Tree>,
}

/// What happened to accounts and groups; `None` is "gone".
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PeopleChange {
    /// Accounts, each at most once.
    pub accounts: Vec<(Uuid, Option<Account>)>,
    /// Groups by their numbers, each at most once.
    pub groups: Vec<(u32, Option<Group>)>,
}

impl People {
    /// All of them.
    pub fn new(accounts: Vec<(Uuid, Account)>, tree: Tree) -> Self {
        Self {
            accounts: Sharded::new(accounts),
            tree: ArcSwap::from_pointee(tree),
        }
    }

    /// The account with this id.
    pub fn account(&self, id: Uuid) -> Option<Arc<Account>> {
        self.accounts.get(id)
    }

    /// The groups as they stand.
    pub fn tree(&self) -> arc_swap::Guard<Arc<Tree>> {
        self.tree.load()
    }

    /// How many accounts there are.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is no account.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts and removes. Only the writer calls this, one call at a time.
    pub(super) fn apply(&self, change: PeopleChange) {
        if !change.groups.is_empty() {
            let mut tree = Tree::clone(&self.tree.load());
            for (number, group) in change.groups {
                tree.put(number, group);
            }
            self.tree.store(Arc::new(tree));
        }
        for (id, account) in change.accounts {
            self.accounts.put(id, account.map(Arc::new));
        }
    }

    /// The accounts that differ between the two: missing in one of them or not the same.
    pub fn differing_accounts(&self, other: &Self) -> Vec<Uuid> {
        self.accounts.differences(&other.accounts)
    }

    /// How many groups differ between the two.
    pub fn differing_groups(&self, other: &Self) -> usize {
        self.tree.load().differences(&other.tree.load())
    }
}

impl Default for People {
    fn default() -> Self {
        Self::new(Vec::new(), Tree::default())
    }
}
