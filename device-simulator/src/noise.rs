//! Repeatable randomness for the simulated world. Never used for keys, ids or anything that must
//! not be guessed.

use sha2::{Digest, Sha256};

/// The generator `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
/// 2014). Written out here because a series of readings must stay the same for a seed whatever
/// version of a library is linked.
#[derive(Clone, Debug)]
pub struct Noise {
    state: u64,
}

impl Noise {
    /// A generator for one purpose of one device: the same three inputs give the same numbers, and
    /// a device's numbers do not depend on how many others there are.
    pub fn of(seed: u64, device: &str, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(device.as_bytes());
        // A byte that no device id contains, so that the two texts cannot run into each other.
        hash.update([0]);
        hash.update(purpose.as_bytes());
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self {
            state: u64::from_be_bytes(first),
        }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in `low..high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number near a normal distribution of mean 0 and deviation 1, never beyond +-6 (the sum of
    /// twelve uniform numbers), so that a reading can never jump to nonsense.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_device_and_purpose_give_the_same_numbers() {
        let series = |seed, device, purpose| {
            let mut noise = Noise::of(seed, device, purpose);
            (0..8).map(|_| noise.bits()).collect::<Vec<_>>()
        };
        assert_eq!(
            series(7, "grow-0001", "tent"),
            series(7, "grow-0001", "tent")
        );
        assert_ne!(
            series(7, "grow-0001", "tent"),
            series(8, "grow-0001", "tent")
        );
        assert_ne!(
            series(7, "grow-0001", "tent"),
            series(7, "grow-0002", "tent")
        );
        assert_ne!(
            series(7, "grow-0001", "tent"),
            series(7, "grow-0001", "phase")
        );
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // First outputs of SplitMix64 from state 1234567, as printed in its reference tests.
        let mut noise = Noise { state: 1_234_567 };
        assert_eq!(noise.bits(), 6_457_827_717_110_365_317);
        assert_eq!(noise.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut noise = Noise::of(1, "d", "p");
        for _ in 0..10_000 {
            assert!((0.0..1.0).contains(&noise.unit()));
            assert!((-6.0..=6.0).contains(&noise.normal()));
            assert!((3.0..4.0).contains(&noise.between(3.0, 4.0)));
        }
    }
}
