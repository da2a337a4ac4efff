//! Issuing leaves: what each kind of certificate says, and for how long.

mod device;
mod error;
mod server;
mod service;

use time::{Duration, OffsetDateTime};

pub use self::device::DeviceSpec;
pub use self::error::IssueError;
pub use self::server::{MAX_SERVER_NAMES, ServerSpec};
pub use self::service::ServiceSpec;
use crate::sign::Window;
use crate::{Certificate, MAX_LEAF_DAYS};

/// How far back a certificate starts: devices without a clock of their own may be late, and
/// machines that have one may be slow.
pub const BACKDATE: Duration = Duration::hours(1);

/// From one hour back to so many days ahead, and never past the issuer's own end.
fn leaf_window(now: OffsetDateTime, days: u16, issuer: &Certificate) -> Result<Window, IssueError> {
    if !(1..=MAX_LEAF_DAYS).contains(&days) {
        return Err(IssueError::Days { days });
    }
    if issuer.not_after() <= now {
        return Err(IssueError::IssuerExpired {
            not_after: issuer.not_after(),
        });
    }
    if now < issuer.not_before() {
        return Err(IssueError::IssuerNotYetValid {
            not_before: issuer.not_before(),
        });
    }
    let wanted = now
        .checked_add(Duration::days(days.into()))
        .ok_or(IssueError::Days { days })?;
    let not_before = now.checked_sub(BACKDATE).ok_or(IssueError::Days { days })?;
    Ok(Window {
        not_before,
        not_after: wanted.min(issuer.not_after()),
    })
}
