//! When requests are meant to be sent: a Poisson process, drawn without looking at the server.

use crate::fleet::SplitMix;

/// Intended times, nanoseconds after the start, always growing.
#[derive(Debug)]
pub(crate) struct Pacer {
    random: SplitMix,
    mean_ns: f64,
    next_ns: f64,
}

impl Pacer {
    /// `per_second` on average.
    pub(crate) fn new(per_second: f64, seed: u64) -> Self {
        let mut pacer = Self {
            random: SplitMix::new(seed),
            mean_ns: 1e9 / per_second,
            next_ns: 0.0,
        };
        pacer.advance();
        pacer
    }

    /// The next intended time.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a run lasts minutes, not centuries"
    )]
    pub(crate) fn next_ns(&self) -> u64 {
        self.next_ns as u64
    }

    /// Takes the next intended time if it has come.
    pub(crate) fn due(&mut self, now_ns: u64) -> Option<u64> {
        let next = self.next_ns();
        if next > now_ns {
            return None;
        }
        self.advance();
        Some(next)
    }

    fn advance(&mut self) {
        self.next_ns -= self.random.unit().ln() * self.mean_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(per_second: f64, seconds: u64) -> Vec<u64> {
        let mut pacer = Pacer::new(per_second, 1);
        std::iter::from_fn(|| pacer.due(seconds * 1_000_000_000)).collect()
    }

    #[test]
    fn the_rate_is_kept_on_average_and_times_only_grow() {
        let times = times(10_000.0, 10);
        assert!((99_000..=101_000).contains(&times.len()), "{}", times.len());
        assert!(times.is_sorted());
    }

    #[test]
    fn gaps_are_those_of_a_poisson_process() {
        let times = times(1000.0, 100);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // A share of 1/e of the gaps is longer than the mean.
        let longer = gaps.iter().filter(|gap| **gap > 1_000_000).count();
        let in_ten_thousand = longer * 10_000 / gaps.len();
        assert!((3600..3760).contains(&in_ten_thousand), "{in_ten_thousand}");
    }

    #[test]
    fn a_late_look_gets_every_missed_time_with_its_own_intention() {
        let mut punctual = Pacer::new(1000.0, 7);
        let expected: Vec<u64> = std::iter::from_fn(|| punctual.due(50_000_000)).collect();
        let mut late = Pacer::new(1000.0, 7);
        assert_eq!(late.due(0), None);
        let caught_up: Vec<u64> = std::iter::from_fn(|| late.due(50_000_000)).collect();
        assert_eq!(caught_up, expected);
    }
}
