//! The paths of organizations, groups, members, invitations and rights.

use utoipa::OpenApi;

use crate::commands::organizations::{
    accept_invitation, change_group, change_organization, create_group, create_organization,
    delete_group, delete_organization, invite, move_group, put_group_member,
    put_organization_member, remove_group_member, remove_organization_member, revoke_invitation,
};
use crate::queries::organizations::{
    explain, group, group_deletion, group_members, groups, invitations, list, organization,
    organization_deletion, organization_groups, organization_members,
};

#[derive(OpenApi)]
#[openapi(paths(
    list::handler,
    create_organization::handler,
    organization::handler,
    change_organization::handler,
    delete_organization::handler,
    organization_deletion::handler,
    organization_members::handler,
    put_organization_member::handler,
    remove_organization_member::handler,
    organization_groups::handler,
    create_group::handler,
    invitations::handler,
    invite::handler,
    revoke_invitation::handler,
    accept_invitation::handler,
    groups::handler,
    group::handler,
    change_group::handler,
    delete_group::handler,
    group_deletion::handler,
    move_group::handler,
    group_members::handler,
    put_group_member::handler,
    remove_group_member::handler,
    explain::handler
))]
pub(super) struct Organizations;
