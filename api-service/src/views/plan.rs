//! Plans and what is used of them, as callers see them.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::plan::PlanRow;
use crate::store::plan_use::AllowedRow;

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanView {
    /// Its name for programs.
    #[schema(min_length = 1, max_length = 32, example = "pro")]
    plan: String,
    /// What people call it.
    #[schema(example = "Pro")]
    title: String,
    /// Most devices; `null`: any number.
    devices_max: Option<i32>,
    /// Most people in an organization; `null`: any number.
    members_max: Option<i32>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
}

/// Whose plan it is, and how much of it is used.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanUseView {
    /// The plan that was given.
    #[schema(example = "pro")]
    plan: String,
    /// After that it counts as `free`; `null`: without end.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<OffsetDateTime>,
    /// The plan that counts now: the given one, or `free` when that ended.
    #[schema(example = "pro")]
    counts_as: String,
    /// What people call that one.
    title: String,
    /// Devices owned or being bound.
    devices: UseView,
    /// People in the organization and its groups; absent of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<UseView>,
}

/// How much of a limit is used. It may be more than the limit, if that was lowered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UseView {
    /// So many are there.
    used: i64,
    /// So many are allowed; `null`: any number.
    max: Option<i32>,
}

impl From<PlanRow> for PlanView {
    fn from(row: PlanRow) -> Self {
        Self {
            plan: row.plan.as_str().to_owned(),
            title: row.title,
            devices_max: row.devices_max,
            members_max: row.members_max,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl PlanUseView {
    /// A plan with what is used of it.
    pub(crate) fn new(allowed: AllowedRow, devices: i64, members: Option<i64>) -> Self {
        Self {
            plan: allowed.assigned,
            expires_at: allowed.expires_at,
            counts_as: allowed.plan,
            title: allowed.title,
            devices: UseView {
                used: devices,
                max: allowed.devices_max,
            },
            members: members.map(|used| UseView {
                used,
                max: allowed.members_max,
            }),
        }
    }
}
