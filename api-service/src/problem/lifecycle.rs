//! What cannot happen to a device as it stands, as problems.

use super::{Code, Problem};
use crate::domain::lifecycle_table::Illegal;

impl From<Illegal> for Problem {
    fn from(illegal: Illegal) -> Self {
        match illegal {
            Illegal::Revoked => Self::new(Code::DeviceRevoked, "the device is revoked for good"),
            Illegal::Suspended => Self::new(
                Code::DeviceSuspended,
                "the device is suspended; it has to be resumed first",
            ),
            Illegal::Bound => Self::new(Code::DeviceBound, "the device has an owner"),
            Illegal::Pending => Self::new(
                Code::DevicePending,
                "somebody claims the device; try again when that is over",
            ),
            Illegal::NotBound => Self::new(Code::DeviceNotBound, "nobody owns the device"),
            Illegal::NotPending => Self::new(Code::DeviceNotPending, "nobody claims the device"),
        }
    }
}
