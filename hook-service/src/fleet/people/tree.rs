//! The groups of all organizations: where each one stands.

/// Groups are nested at most so deep, the outermost counted. api-service sees to it; a decision looks
/// no further up, so that not even a ring could hold it.
pub const GROUPS_DEEP_MAX: usize = 8;

/// What stands for "none".
const NONE: u32 = u32::MAX;

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    organization: u32,
    parent: u32,
}

/// Every group by its number. Eight bytes each, copied as a whole when one of them changes: people
/// rearrange groups a few times a day.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    groups: Vec<Group>,
}

impl Group {
    const GONE: Self = Self {
        organization: NONE,
        parent: NONE,
    };

    /// A group of this organization, below another group or right below the organization.
    pub fn new(organization: u32, parent: Option<u32>) -> Self {
        Self {
            organization,
            parent: parent.unwrap_or(NONE),
        }
    }
}

impl Tree {
    /// Puts a group where it stands now, or removes it.
    pub fn put(&mut self, number: u32, group: Option<Group>) {
        let index = number as usize;
        if self.groups.len() <= index {
            self.groups.resize(index + 1, Group::GONE);
        }
        self.groups[index] = group.unwrap_or(Group::GONE);
    }

    /// A group and those above it, the nearest first, as far as they are of this organization.
    pub fn up_from(&self, group: u32, organization: u32) -> impl Iterator<Item = u32> {
        let known = move |number: u32| {
            let group = self.groups.get(number as usize)?;
            (group.organization == organization).then_some(*group)
        };
        let first = known(group).map(|_| group);
        std::iter::successors(first, move |number| {
            let parent = known(*number)?.parent;
            known(parent).map(|_| parent)
        })
        .take(GROUPS_DEEP_MAX)
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups.iter().filter(|g| **g != Group::GONE).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many groups differ between the two.
    pub(super) fn differences(&self, other: &Self) -> usize {
        let at = |tree: &Self, index: usize| tree.groups.get(index).copied().unwrap_or(Group::GONE);
        let longest = self.groups.len().max(other.groups.len());
        (0..longest)
            .filter(|&index| at(self, index) != at(other, index))
            .count()
    }
}
