//! Into which organization or group a device is to go, and whether the caller may put it there.

use super::plan_limit::hold;
use crate::domain::access::Level;
use crate::domain::group_id::GroupId;
use crate::domain::holder::Holder;
use crate::domain::organization_id::OrganizationId;
use crate::edge::require::{require_group, require_organization};
use crate::problem::{FieldError, Problem};
use crate::store::Tx;
use crate::store::access::Asker;

/// The place named by a request; `None` if it names none.
pub(super) async fn target(
    tx: &Tx<'_>,
    asker: Asker,
    organization: Option<OrganizationId>,
    group: Option<GroupId>,
) -> Result<Option<Holder>, Problem> {
    let Some(group) = group else {
        let Some(organization) = organization else {
            return Ok(None);
        };
        require_organization(tx, asker, organization, Level::Manage).await?;
        return Ok(Some(Holder::Organization(organization, None)));
    };
    let (place, _) = require_group(tx, asker, group, Level::Manage).await?;
    let whose = place
        .organization
        .ok_or_else(|| Problem::internal("a group belongs to no organization"))?;
    if organization.is_some_and(|named| named != whose) {
        return Err(Problem::invalid(vec![FieldError {
            field: "groupId".to_owned(),
            detail: "is a group of another organization".to_owned(),
        }]));
    }
    Ok(Some(Holder::Organization(whose, Some(group))))
}

/// The same, with the organization held until the transaction ends: none of its groups goes away, and no
/// right to them is lost, before the device is there. To be called before a device is locked.
pub(super) async fn hold_target(
    tx: &Tx<'_>,
    asker: Asker,
    organization: Option<OrganizationId>,
    group: Option<GroupId>,
) -> Result<Option<Holder>, Problem> {
    // Who may not put anything there holds its lock for no moment; who may is asked again under it.
    let Some(holder) = target(tx, asker, organization, group).await? else {
        return Ok(None);
    };
    hold(tx, holder).await?;
    target(tx, asker, organization, group).await
}
