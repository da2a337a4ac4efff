//! How long to wait before an entry is tried again.

use std::time::Duration;

/// The first pause is up to this.
const FIRST: Duration = Duration::from_millis(500);

/// Every pause is at most this, so that a broker that comes back is used within a minute.
const MAX: Duration = Duration::from_mins(1);

/// The pause after `attempts` failed attempts. `draw` is a random number in `0.0..1.0`: full jitter
/// over the upper half, so that a thousand entries do not come back in one instant.
pub(crate) fn pause(attempts: u32, draw: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let bound = FIRST.saturating_mul(1 << doublings).min(MAX);
    bound.mul_f64(0.5 + draw.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_are_spread() {
        assert_eq!(pause(1, 1.0), Duration::from_millis(500));
        assert_eq!(pause(1, 0.0), Duration::from_millis(250));
        assert_eq!(pause(3, 1.0), Duration::from_secs(2));
        assert_eq!(pause(9, 1.0), MAX);
        assert_eq!(pause(u32::MAX, 0.0), MAX / 2);
        assert!(pause(0, 0.5) < FIRST);
    }
}
