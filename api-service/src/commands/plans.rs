//! Commands over plans, and over who has which.

use serde_json::{Value, json};

pub(crate) mod change_plan;
pub(crate) mod create_plan;
pub(crate) mod delete_plan;
pub(crate) mod give_plan;

use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::domain::plan::{DEVICES_MAX, MEMBERS_MAX};
use crate::edge::fields::Fields;
use crate::store::plan::PlanRow;

/// What an audit entry is about.
const PLAN: &str = "plan";

/// A limit as a body has it: absent leaves it as it is, `null` takes it away.
type Max = Option<Option<i32>>;

fn entry<'a>(actor: AccountId, action: &'static str, plan: &'a str) -> Entry<'a> {
    Entry::done(Actor::Account(actor.uuid()), action, PLAN, plan)
}

/// A plan, as the audit has it.
fn told(row: &PlanRow) -> Value {
    json!({
        "title": row.title, "devicesMax": row.devices_max, "membersMax": row.members_max,
        "version": row.version,
    })
}

/// Both limits: `devicesMax` and `membersMax`.
fn read_limits(fields: &mut Fields) -> (Max, Max) {
    let devices = fields.nullable_number("devicesMax", 0..=DEVICES_MAX);
    let members = fields.nullable_number("membersMax", 1..=MEMBERS_MAX);
    let stored = |max: Option<Option<u32>>| {
        let max = max?;
        // The largest limit is far below what the column holds.
        Some(max.map(|max| i32::try_from(max).unwrap_or(i32::MAX)))
    };
    (stored(devices), stored(members))
}
