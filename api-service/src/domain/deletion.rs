//! What goes along when a group or an organization is deleted, and the word by which the caller shows
//! that they know it.

use super::group_id::GroupId;

/// What goes along. Devices never do: those of a group move up, and an organization with devices is
/// not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Along {
    /// Groups, in the order of their ids.
    pub(crate) groups: Vec<GroupId>,
    /// Devices that move up, or stand in the way.
    pub(crate) devices: i64,
    /// Memberships.
    pub(crate) members: i64,
    /// Open invitations.
    pub(crate) invitations: i64,
    /// Devices being bound into it, which stand in the way.
    pub(crate) bindings: i64,
}

impl Along {
    /// What a deletion must be confirmed with: the numbers themselves, so that whoever confirms has
    /// seen them, and something that came in between asks anew.
    pub(crate) fn confirmation(&self) -> String {
        format!(
            "groups-{}-devices-{}-members-{}-invitations-{}",
            self.groups.len(),
            self.devices,
            self.members,
            self.invitations
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_confirmation_tells_every_number() {
        let along = Along {
            groups: vec![GroupId::from(uuid::Uuid::nil())],
            devices: 2,
            members: 3,
            invitations: 4,
            bindings: 0,
        };
        let told = "groups-1-devices-2-members-3-invitations-4";
        assert_eq!(along.confirmation(), told);
    }
}
