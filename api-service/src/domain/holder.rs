//! Whose a device is, or is to be.

use super::account_id::AccountId;
use super::group_id::GroupId;
use super::organization_id::OrganizationId;

/// The owner of a device: one person, or an organization with a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A person.
    Account(AccountId),
    /// An organization: in one of its groups, or right below it.
    Organization(OrganizationId, Option<GroupId>),
}

impl Holder {
    /// Reads what a row has; `None` if nobody owns the device.
    pub(crate) fn from_parts(
        account: Option<AccountId>,
        organization: Option<OrganizationId>,
        group: Option<GroupId>,
    ) -> Option<Self> {
        match (account, organization) {
            (Some(account), _) => Some(Self::Account(account)),
            (None, Some(organization)) => Some(Self::Organization(organization, group)),
            (None, None) => None,
        }
    }

    /// The person, if it is one.
    pub(crate) fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(account) => Some(account),
            Self::Organization(..) => None,
        }
    }

    /// The organization, if it is one.
    pub(crate) fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::Account(_) => None,
            Self::Organization(organization, _) => Some(organization),
        }
    }

    /// The group, if it is in one.
    pub(crate) fn group(self) -> Option<GroupId> {
        match self {
            Self::Account(_) => None,
            Self::Organization(_, group) => group,
        }
    }

    /// Whether another has the same owner, wherever in the organization.
    pub(crate) fn is_same_owner(self, other: Self) -> bool {
        self.account() == other.account() && self.organization() == other.organization()
    }
}
