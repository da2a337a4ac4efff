//! What is told of organizations, their groups, members and invitations, and of rights.

pub(crate) mod explain;
pub(crate) mod explain_fact;
pub(crate) mod group;
pub(crate) mod group_deletion;
pub(crate) mod group_members;
pub(crate) mod groups;
pub(crate) mod invitations;
pub(crate) mod list;
pub(crate) mod organization;
pub(crate) mod organization_deletion;
pub(crate) mod organization_groups;
pub(crate) mod organization_members;
