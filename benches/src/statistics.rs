//! Medians and spreads of rounds. Never a mean: one disturbed round must not move a figure.

/// The middle of several rounds, with the lowest and the highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of these values; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        };
        Some(Self { median, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_a_wild_round_does_not_move_it() {
        let spread = Spread::of([3.0, 1.0, 1000.0, 2.0, 2.5]).unwrap();
        assert_eq!(
            spread,
            Spread {
                median: 2.5,
                low: 1.0,
                high: 1000.0
            }
        );
        let even = Spread::of([1.0, 2.0]).unwrap();
        assert!((even.median - 1.5).abs() < f64::EPSILON);
        assert_eq!(Spread::of([]), None);
    }
}
