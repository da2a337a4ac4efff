//! How long to wait before the next attempt: exponential, capped, with full jitter.
//!
//! Full jitter (a uniform draw between nothing and the bound) spreads a fleet that lost its broker
//! at one moment; without it all devices come back at the same moments again.

use std::time::Duration;

/// The bound doubles at most this often; 2^20 times any base is past every sensible cap.
const MAX_DOUBLINGS: u32 = 20;

/// The waits of one endeavour (one device's connecting, one device's enrolment).
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait is below `base`, each further bound is twice the one before, none is above
    /// `cap`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            failures: 0,
        }
    }

    /// The longest that the next wait can be.
    pub fn bound(&self) -> Duration {
        self.base
            .saturating_mul(1 << self.failures.min(MAX_DOUBLINGS))
            .min(self.cap)
    }

    /// The next wait for a `draw` in `0.0..1.0`, counting one more failure.
    pub fn next(&mut self, draw: f64) -> Duration {
        let wait = self.bound().mul_f64(draw.clamp(0.0, 1.0));
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Starts again from the base: what was tried has worked for a while.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_wait_passes_its_bound_or_the_cap(
            base_ms in 1u64..10_000,
            cap_ms in 1u64..600_000,
            draws in proptest::collection::vec(0.0f64..1.0, 1..64),
        ) {
            let cap = Duration::from_millis(cap_ms);
            let mut backoff = Backoff::new(Duration::from_millis(base_ms), cap);
            let mut last_bound = Duration::ZERO;
            for (failures, draw) in draws.into_iter().enumerate() {
                let bound = backoff.bound();
                let doubled = Duration::from_millis(base_ms)
                    .saturating_mul(1 << u32::try_from(failures).unwrap().min(20));
                prop_assert_eq!(bound, doubled.min(cap));
                prop_assert!(bound >= last_bound);
                let wait = backoff.next(draw);
                prop_assert!(wait <= bound);
                last_bound = bound;
            }
        }
    }

    #[test]
    fn after_a_reset_the_waits_start_from_the_base() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        for _ in 0..100 {
            backoff.next(0.5);
        }
        assert_eq!(backoff.bound(), Duration::from_secs(30));
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_secs(1));
    }

    #[test]
    fn the_draw_decides_within_the_bound() {
        let mut backoff = Backoff::new(Duration::from_secs(4), Duration::from_secs(30));
        assert_eq!(backoff.next(0.5), Duration::from_secs(2));
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        assert_eq!(backoff.next(1.0), Duration::from_secs(16));
    }
}
