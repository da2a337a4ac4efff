//! Into which organization or group a device is to go, and whether the caller may put it there.

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
