//! The one place where a plan's limits are enforced.
//!
//! Whoever takes a place holds the row of the plan's holder until their transaction ends, and counts
//! after that; so two who want the last place cannot both have it. Locks are taken in one order:
//! organizations, accounts, devices.

use crate::domain::account_id::AccountId;
use crate::domain::holder::Holder;
use crate::domain::organization_id::OrganizationId;
use crate::domain::plan::{Limit, one_more_fits};
use crate::problem::{Code, Problem};
use crate::store::Tx;
use crate::store::plan_use::AllowedRow;

/// What somebody is about to take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// A device becomes this holder's, or is claimed for them.
    Device(Holder),
    /// Somebody comes into an organization or a group of it; who is in already takes nothing.
    Member(OrganizationId, AccountId),
    /// Somebody is invited. Those invited before are counted as if they were in.
    Invitation(OrganizationId),
}

/// Holds the row of who is to have a device. To be called before a device is locked.
pub(super) async fn hold(tx: &Tx<'_>, holder: Holder) -> Result<(), Problem> {
    if tx.hold(holder).await? {
        return Ok(());
    }
    Err(match holder {
        Holder::Account(_) => Problem::account_erased(),
        Holder::Organization(..) => Problem::unknown_organization(),
    })
}

/// Refuses unless the plan has a place left. Held until the transaction ends.
pub(super) async fn enforce(tx: &Tx<'_>, takes: Takes) -> Result<(), Problem> {
    let holder = match takes {
        Takes::Device(holder) => holder,
        Takes::Member(organization, _) | Takes::Invitation(organization) => {
            Holder::Organization(organization, None)
        }
    };
    hold(tx, holder).await?;
    let allowed = tx.reader().allowed(holder).await?;
    let allowed = allowed.ok_or_else(|| Problem::internal("a holder without a plan"))?;
    let (limit, max) = match takes {
        Takes::Device(_) => (Limit::Devices, allowed.devices_max),
        Takes::Member(..) | Takes::Invitation(_) => (Limit::Members, allowed.members_max),
    };
    if max.is_none() {
        return Ok(());
    }
    let used = match takes {
        Takes::Device(holder) => tx.reader().devices_used(holder).await?,
        Takes::Member(organization, account) => {
            if tx.reader().is_in(organization, account).await? {
                return Ok(());
            }
            tx.reader().members_used(organization).await?
        }
        Takes::Invitation(organization) => {
            let invited = tx.count_open_invitations(organization).await?;
            tx.reader().members_used(organization).await? + invited
        }
    };
    if one_more_fits(used, max) {
        Ok(())
    } else {
        Err(reached(&allowed, limit, max.unwrap_or_default()))
    }
}

fn reached(allowed: &AllowedRow, limit: Limit, max: i32) -> Problem {
    let (plan, what) = (&allowed.plan, limit.as_str());
    let ended = if allowed.plan == allowed.assigned {
        String::new()
    } else {
        format!(", since the plan `{}` ended", allowed.assigned)
    };
    let detail = format!("the plan `{plan}` allows {max} {what}, and they are all taken{ended}");
    Problem::new(Code::PlanLimitReached, detail)
}
