//! The shape of an organization's groups: how deep, how many, under which names.

use crate::commands::run::Failure;
use crate::domain::access::{Level, Place};
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;
use crate::edge::require::require_group;
use crate::problem::{Code, FieldError, Problem};
use crate::store::Tx;
use crate::store::access::Asker;

/// Most levels of groups below an organization.
pub(super) const DEPTH_MAX: usize = 8;

/// A group's organization, held until the transaction ends, and the group's place in it.
///
/// Which organization a group is in never changes, so it may be read before the lock; where in it the
/// group is, is read after.
pub(super) async fn lock_group(
    tx: &Tx<'_>,
    asker: Asker,
    id: GroupId,
    level: Level,
) -> Result<(OrganizationId, Place), Failure> {
    let (place, _) = require_group(tx, asker, id, Level::See).await?;
    let organization = place.organization.ok_or_else(Problem::unknown_group)?;
    let held = tx.lock_organization(organization).await?;
    held.ok_or_else(Problem::unknown_group)?;
    let (place, _) = require_group(tx, asker, id, level).await?;
    Ok((organization, place))
}

/// The path of what is to be a group's parent, or is: the caller must manage it.
pub(super) async fn parent_path(
    tx: &Tx<'_>,
    asker: Asker,
    organization: OrganizationId,
    parent: Option<GroupId>,
) -> Result<Vec<GroupId>, Problem> {
    let Some(parent) = parent else {
        let access = tx.reader().organization_access(asker, organization).await?;
        if access.is_some_and(|access| access.level >= Level::Manage) {
            return Ok(Vec::new());
        }
        let detail = "right below the organization only those who manage it may do this";
        return Err(Problem::new(Code::Forbidden, detail));
    };
    let (place, _) = require_group(tx, asker, parent, Level::Manage).await?;
    if place.organization == Some(organization) {
        return Ok(place.path);
    }
    Err(Problem::invalid(vec![FieldError {
        field: "parentId".to_owned(),
        detail: "is a group of another organization".to_owned(),
    }]))
}

/// Refuses a tree that would become too deep.
pub(super) fn check_depth(above: usize, height: usize) -> Result<(), Problem> {
    if above + height <= DEPTH_MAX {
        return Ok(());
    }
    let detail = format!("groups are nested at most {DEPTH_MAX} deep");
    Err(Problem::new(Code::GroupTooDeep, detail))
}

/// Refuses a name that a sibling has.
pub(super) async fn check_name(
    tx: &Tx<'_>,
    organization: OrganizationId,
    parent: Option<GroupId>,
    name: &str,
    own: Option<GroupId>,
) -> Result<(), Failure> {
    let taken = tx.group_named(organization, parent, name).await?;
    if taken.is_none() || taken == own {
        return Ok(());
    }
    let detail = "another group beside it has this name";
    Err(Problem::new(Code::GroupNameTaken, detail).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_eight_deep_and_no_more() {
        for (above, height) in [(0, 1), (7, 1), (0, 8), (4, 4)] {
            assert!(check_depth(above, height).is_ok(), "{above} {height}");
        }
        for (above, height) in [(8, 1), (0, 9), (5, 4)] {
            assert!(check_depth(above, height).is_err(), "{above} {height}");
        }
    }
}
