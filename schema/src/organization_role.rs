//! What somebody is in an organization: `organization_member.role`.

/// A member's role. Each may do what the ones below it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrganizationRole {
    /// Sees everything.
    Viewer,
    /// Works with the devices.
    Member,
    /// Decides who and what is in it.
    Admin,
    /// Decides about the organization itself. There is always one.
    Owner,
}

crate::sql_text::words!(OrganizationRole, "role in an organization", {
    Viewer => "viewer",
    Member => "member",
    Admin => "admin",
    Owner => "owner",
});
