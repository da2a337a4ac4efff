//! How long a claim on a device waits.

/// How long a claim waits for the device's confirmation, in seconds. Long enough to switch a device
/// on and let it connect; short enough that a claim by mistake stands in nobody's way.
pub(crate) const CLAIM_SECONDS: f64 = 600.0;

/// How long an owner's offer stands, in minutes, unless they say otherwise; and the longest.
pub(crate) const OFFER_MINUTES: u32 = 24 * 60;
/// The longest offer: a week.
pub(crate) const OFFER_MINUTES_MAX: u32 = 7 * 24 * 60;
