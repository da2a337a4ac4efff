//! What somebody may do with a device, a group or an organization, and which fact decided it.
//!
//! The one function behind every path. hook-service decides [`Level::See`] from a table of its own;
//! the cases of `access/cases.json` are read by the tests of both, which holds the two equal.
//!
//! Where somebody has no access the answer is `None`, and to them the thing does not exist: a stranger
//! cannot even learn which ids there are.

use schema::{GroupRole, OrganizationRole};

use super::account_id::AccountId;
use super::group_id::GroupId;
use super::organization_id::OrganizationId;

/// How much somebody may do. Each level has what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// Telemetry, status, and all that is only read.
    See,
    /// Send commands; name and describe.
    Control,
    /// Put devices in and take them out, suspend and resume them, move groups, decide about members.
    Manage,
    /// Give away and delete; decide about the organization itself.
    Own,
}

impl Level {
    /// Every level, from the least.
    pub(crate) const ALL: [Self; 4] = [Self::See, Self::Control, Self::Manage, Self::Own];

    /// The word on the wire.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Control => "control",
            Self::Manage => "manage",
            Self::Own => "own",
        }
    }
}

/// Reads the word on the wire.
impl std::str::FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        let mut all = Self::ALL.into_iter();
        all.find(|level| level.as_str() == text).ok_or(LevelError)
    }
}

/// Why a text is no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be see, control, manage or own")]
pub(crate) struct LevelError;

/// The fact that gives somebody access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// The platform-wide role `admin`.
    PlatformAdmin,
    /// The device is theirs.
    Owner,
    /// What they are in its organization.
    Organization(OrganizationId, OrganizationRole),
    /// What they are in its group or in one above that.
    Group(GroupId, GroupRole),
}

impl Because {
    /// How much this fact allows.
    pub(crate) fn level(self) -> Level {
        match self {
            Self::PlatformAdmin | Self::Owner | Self::Organization(_, OrganizationRole::Owner) => {
                Level::Own
            }
            Self::Organization(_, OrganizationRole::Admin) | Self::Group(_, GroupRole::Admin) => {
                Level::Manage
            }
            Self::Organization(_, OrganizationRole::Member) | Self::Group(_, GroupRole::Member) => {
                Level::Control
            }
            Self::Organization(_, OrganizationRole::Viewer) | Self::Group(_, GroupRole::Viewer) => {
                Level::See
            }
        }
    }
}

/// How much somebody may do with one thing, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// How much.
    pub(crate) level: Level,
    /// By which fact. Of several with this level: the first in the order of [`Because`], and of
    /// groups the nearest.
    pub(crate) because: Because,
}

/// What somebody is. Memberships that have nothing to do with the thing may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Their account.
    pub(crate) account: AccountId,
    /// Whether they have the platform-wide role `admin`.
    pub(crate) is_admin: bool,
    /// Organizations they are in.
    pub(crate) organizations: Vec<(OrganizationId, OrganizationRole)>,
    /// Groups they are in themselves; those below follow from it.
    pub(crate) groups: Vec<(GroupId, GroupRole)>,
}

/// Where a thing is. An organization's place is the organization alone, and a group's path begins with
/// the group itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whose it is, if it is one person's.
    pub(crate) owner: Option<AccountId>,
    /// In which organization.
    pub(crate) organization: Option<OrganizationId>,
    /// In which groups: the nearest first, each the next one's child.
    pub(crate) path: Vec<GroupId>,
}

/// Every fact that gives a person access to a place, in the order in which they are preferred.
pub(crate) fn facts(person: &Person, place: &Place) -> Vec<Because> {
    let admin = person.is_admin.then_some(Because::PlatformAdmin);
    let owner = (place.owner == Some(person.account)).then_some(Because::Owner);
    let organization = place.organization.and_then(|id| {
        let role = role_in(&person.organizations, id)?;
        Some(Because::Organization(id, role))
    });
    let groups = place.path.iter().filter_map(|&id| {
        let role = role_in(&person.groups, id)?;
        Some(Because::Group(id, role))
    });
    [admin, owner, organization]
        .into_iter()
        .flatten()
        .chain(groups)
        .collect()
}

/// What a person may do with what is at a place: the most that any fact gives. `None`: nothing at all.
pub(crate) fn access(person: &Person, place: &Place) -> Option<Access> {
    let mut best: Option<Access> = None;
    for because in facts(person, place) {
        let level = because.level();
        if best.is_none_or(|best| best.level < level) {
            best = Some(Access { level, because });
        }
    }
    best
}

/// Whether somebody may do less than before.
pub(crate) fn is_less(before: Option<Access>, after: Option<Access>) -> bool {
    after.map(|access| access.level) < before.map(|access| access.level)
}

fn role_in<Id: PartialEq, Role: Copy>(roles: &[(Id, Role)], id: Id) -> Option<Role> {
    let found = roles.iter().find(|(each, _)| *each == id);
    found.map(|(_, role)| *role)
}

#[cfg(test)]
mod tests;
