//! One account, as far as a decision needs it.

use std::sync::Arc;

use super::Tree;
use crate::fleet::Owner;

/// An account that has not been erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number, by which devices name their owner.
    pub number: u32,
    /// Who vouches for it: `iss` of its tokens.
    pub issuer: Arc<str>,
    /// The issuer's name for it: `sub` of its tokens.
    pub subject: Box<str>,
    /// Whether it is shut out.
    pub disabled: bool,
    /// Tokens issued before are refused: microseconds since 1970.
    pub sessions_from: i64,
    /// What it is in, sorted. Every role may see, so no role stands here.
    pub memberships: Box<[Membership]>,
}

/// Something that an account is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    /// The organization of this number.
    Organization(u32),
    /// The group of this number, and all below it.
    Group(u32),
}

impl Account {
    /// Whether the account may see what is this owner's: the level `see` of api-service's `access`.
    /// The cases of its test are read by the test of this one, which holds the two equal, with one
    /// difference: the platform-wide role `admin` is told by a token, which no SUBSCRIBE carries, so
    /// over MQTT it counts nothing.
    pub fn sees(&self, owner: Owner, tree: &Tree) -> bool {
        match owner {
            Owner::Nobody => false,
            Owner::Account(number) => number == self.number,
            Owner::Organization(number) => self.is_in(Membership::Organization(number)),
            Owner::Group {
                organization,
                group,
            } => {
                self.is_in(Membership::Organization(organization))
                    || tree
                        .up_from(group, organization)
                        .any(|group| self.is_in(Membership::Group(group)))
            }
        }
    }

    fn is_in(&self, membership: Membership) -> bool {
        self.memberships.binary_search(&membership).is_ok()
    }
}
