//! `SplitMix64`: the same numbers for the same seed, so that a run can be repeated. Never for secrets.

use std::time::Duration;

use crate::faults::Delay;

#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A delay of this kind, with a resolution of a microsecond.
    pub(crate) fn draw(&mut self, delay: Delay) -> Duration {
        let spread = delay.most.saturating_sub(delay.least).as_micros();
        let spread = u64::try_from(spread).unwrap_or(u64::MAX - 1);
        if spread == 0 {
            return delay.least;
        }
        delay.least + Duration::from_micros(self.next() % (spread + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_lie_between_their_ends_and_follow_from_the_seed() {
        let delay = Delay::between(Duration::from_millis(5), Duration::from_millis(7));
        let (mut one, mut two) = (Random::new(4), Random::new(4));
        for _ in 0..1000 {
            let drawn = one.draw(delay);
            assert!(delay.least <= drawn && drawn <= delay.most);
            assert_eq!(two.draw(delay), drawn);
        }
        assert_eq!(one.draw(Delay::default()), Duration::ZERO);
    }
}
