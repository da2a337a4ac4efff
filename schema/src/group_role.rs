//! What somebody is in a group of devices: `group_member.role`.

/// A member's role in a group and in every group below it. Each may do what the ones below it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupRole {
    /// Sees everything.
    Viewer,
    /// Works with the devices.
    Member,
    /// Decides who and what is in it.
    Admin,
}

crate::sql_text::words!(GroupRole, "role in a group", {
    Viewer => "viewer",
    Member => "member",
    Admin => "admin",
});
