//! Whether a caller may do something with one thing: the one question of every path that names a
//! device, a group or an organization.
//!
//! What somebody may not even see is answered as if it did not exist.

use schema::DeviceId;

use crate::domain::access::{Access, Level, Place};
use crate::domain::group_id::GroupId;
use crate::domain::organization_id::OrganizationId;
use crate::domain::rights::Right;
use crate::edge::account::Account;
use crate::problem::{Code, Problem};
use crate::store::StoreError;
use crate::store::access::{Asker, DeviceScope};
use crate::store::reader::Reader;

/// A device with which the caller may do something.
pub(crate) async fn require_device(
    reader: impl Into<Reader<'_>>,
    asker: Asker,
    id: &DeviceId,
    level: Level,
) -> Result<(DeviceScope, Access), Problem> {
    let found = reader.into().device_access(asker, id).await?;
    let (scope, access) = found.ok_or_else(Problem::unknown_device)?;
    at_least(access, level, "device")?;
    Ok((scope, access))
}

/// Whether somebody sees a device as its maker does: nothing of whose it is. Who does not see it at all
/// is refused.
pub(crate) async fn sees_as_maker(
    reader: impl Into<Reader<'_>>,
    account: &Account,
    id: &DeviceId,
) -> Result<bool, Problem> {
    let asker = account.asker();
    let found = reader.into().device_access(asker, id).await?;
    match found {
        Some(_) => Ok(false),
        None if account.has(Right::ReadDevices) => Ok(true),
        None => Err(Problem::unknown_device()),
    }
}

/// Whether somebody sees a device, by what they are or as a maker. Makers see whichever there is.
pub(crate) async fn sees(
    reader: impl Into<Reader<'_>>,
    account: &Account,
    id: &DeviceId,
) -> Result<bool, StoreError> {
    if account.has(Right::ReadDevices) {
        return Ok(true);
    }
    let found = reader.into().device_access(account.asker(), id).await?;
    Ok(found.is_some())
}

/// The place of a group with which the caller may do something.
pub(crate) async fn require_group(
    reader: impl Into<Reader<'_>>,
    asker: Asker,
    id: GroupId,
    level: Level,
) -> Result<(Place, Access), Problem> {
    let found = reader.into().group_access(asker, id).await?;
    let (place, access) = found.ok_or_else(Problem::unknown_group)?;
    at_least(access, level, "group")?;
    Ok((place, access))
}

/// An organization with which the caller may do something.
pub(crate) async fn require_organization(
    reader: impl Into<Reader<'_>>,
    asker: Asker,
    id: OrganizationId,
    level: Level,
) -> Result<Access, Problem> {
    let found = reader.into().organization_access(asker, id).await?;
    let access = found.ok_or_else(Problem::unknown_organization)?;
    at_least(access, level, "organization")?;
    Ok(access)
}

fn at_least(access: Access, level: Level, what: &str) -> Result<(), Problem> {
    if access.level >= level {
        return Ok(());
    }
    let (needs, has) = (level.as_str(), access.level.as_str());
    let detail =
        format!("this needs the right `{needs}` on the {what}, and the caller has `{has}`");
    Err(Problem::new(Code::Forbidden, detail))
}
