//! Organizations, groups and their members as callers see them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::domain::access::Level;
use crate::domain::deletion::Along;
use crate::store::group::GroupRow;
use crate::store::invitation::InvitationRow;
use crate::store::member::MemberRow;
use crate::store::organization::OrganizationRow;

/// How much the caller may do: each word has what is before it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LevelView {
    /// Read.
    See,
    /// Send commands, name and describe devices.
    Control,
    /// Put devices in and out, groups and members.
    Manage,
    /// Give away and delete.
    Own,
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationView {
    /// Its id.
    #[schema(format = "uuid")]
    organization_id: String,
    /// Its name; another may have the same.
    #[schema(min_length = 1, max_length = 128, example = "Acme Greenhouses")]
    name: String,
    /// What it is.
    #[schema(max_length = 1024)]
    description: Option<String>,
    /// Its plan.
    #[schema(example = "free")]
    plan: String,
    /// After that it counts as `free`; `null`: without end.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    plan_expires_at: Option<OffsetDateTime>,
    /// What the caller may do with it.
    access: LevelView,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
}

/// A group of devices.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupView {
    /// Its id.
    #[schema(format = "uuid")]
    group_id: String,
    /// Whose it is.
    #[schema(format = "uuid")]
    organization_id: String,
    /// What that is called.
    organization_name: String,
    /// The group above; `null`: right below the organization.
    #[schema(format = "uuid")]
    parent_id: Option<String>,
    /// Its name; the only one of its kind beside its siblings.
    #[schema(min_length = 1, max_length = 128, example = "Hall 2")]
    name: String,
    /// What it is.
    #[schema(max_length = 1024)]
    description: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
}

/// Somebody in an organization or a group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberView {
    /// Their account.
    #[schema(format = "uuid")]
    account_id: String,
    /// `owner` (organizations only), `admin`, `member` or `viewer`.
    #[schema(example = "member")]
    role: String,
    /// Their name.
    name: Option<String>,
    /// Their address; shown to those who manage.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
}

/// An open invitation, without its token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvitationView {
    /// Its id.
    #[schema(format = "uuid")]
    invitation_id: String,
    /// Into which organization.
    #[schema(format = "uuid")]
    organization_id: String,
    /// Into which group of it; `null`: into the organization itself.
    #[schema(format = "uuid")]
    group_id: Option<String>,
    /// As what.
    #[schema(example = "member")]
    role: String,
    /// A note for whom it is meant.
    email: Option<String>,
    /// Who invited.
    #[schema(format = "uuid")]
    invited_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// Until when it can be accepted.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
}

/// What a deletion takes along.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeletionView {
    /// Groups that go, the group itself among them.
    groups: usize,
    /// Devices: of a group they move up; an organization is not deleted while it has any.
    devices: i64,
    /// Memberships that end.
    members: i64,
    /// Open invitations that end.
    invitations: i64,
    /// The value for `?confirm=`.
    #[schema(example = "groups-1-devices-12-members-3-invitations-0")]
    confirm: String,
}

impl From<Level> for LevelView {
    fn from(level: Level) -> Self {
        match level {
            Level::See => Self::See,
            Level::Control => Self::Control,
            Level::Manage => Self::Manage,
            Level::Own => Self::Own,
        }
    }
}

impl OrganizationView {
    /// An organization to somebody with a level.
    pub(crate) fn new(row: OrganizationRow, access: Level) -> Self {
        Self {
            organization_id: row.organization_id.to_string(),
            name: row.name,
            description: row.description,
            plan: row.plan,
            plan_expires_at: row.plan_expires_at,
            access: access.into(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<GroupRow> for GroupView {
    fn from(row: GroupRow) -> Self {
        Self {
            group_id: row.group_id.to_string(),
            organization_id: row.organization_id.to_string(),
            organization_name: row.organization_name,
            parent_id: row.parent_id.map(|id| id.to_string()),
            name: row.name,
            description: row.description,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl MemberView {
    /// A member to somebody with a level.
    pub(crate) fn new<Role: ToString>(row: MemberRow<Role>, access: Level) -> Self {
        Self {
            account_id: row.account_id.to_string(),
            role: row.role.to_string(),
            name: row.name,
            email: row.email.filter(|_| access >= Level::Manage),
            created_at: row.created_at,
        }
    }
}

impl From<InvitationRow> for InvitationView {
    fn from(row: InvitationRow) -> Self {
        Self {
            invitation_id: row.invitation_id.to_string(),
            organization_id: row.organization_id.to_string(),
            group_id: row.group_id.map(|id| id.to_string()),
            role: row.role.to_string(),
            email: row.email,
            invited_by: row.invited_by.to_string(),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

impl From<Along> for DeletionView {
    fn from(along: Along) -> Self {
        Self {
            groups: along.groups.len(),
            devices: along.devices,
            members: along.members,
            invitations: along.invitations,
            confirm: along.confirmation(),
        }
    }
}
