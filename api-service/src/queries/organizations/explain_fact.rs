//! One fact that gives somebody access, as callers see it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Because;
use crate::views::organization::LevelView;

/// What kind of fact.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum FactKind {
    /// The platform-wide role `admin`.
    PlatformAdmin,
    /// The device is theirs.
    Owner,
    /// A role in the organization.
    Organization,
    /// A role in the group, or in one above it.
    Group,
}

/// A fact that gives somebody access.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FactView {
    /// Of what kind.
    kind: FactKind,
    /// In which organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    organization_id: Option<String>,
    /// In which group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    group_id: Option<String>,
    /// In which role.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// How much it allows.
    level: LevelView,
}

impl From<Because> for FactView {
    fn from(because: Because) -> Self {
        let (kind, organization_id, group_id, role) = match because {
            Because::PlatformAdmin => (FactKind::PlatformAdmin, None, None, None),
            Because::Owner => (FactKind::Owner, None, None, None),
            Because::Organization(id, role) => (
                FactKind::Organization,
                Some(id.to_string()),
                None,
                Some(role.to_string()),
            ),
            Because::Group(id, role) => (
                FactKind::Group,
                None,
                Some(id.to_string()),
                Some(role.to_string()),
            ),
        };
        Self {
            kind,
            organization_id,
            group_id,
            role,
            level: because.level().into(),
        }
    }
}
