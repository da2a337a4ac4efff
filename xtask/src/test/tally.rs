//! Counting what passed and what failed.

/// Passed and failed, of cargo's tests and of our own checks.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    /// Takes the numbers from a closing line of the test harness; other lines count nothing.
    pub(crate) fn read(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) = (words.next(), words.next()) else {
                continue;
            };
            match (number.parse::<usize>(), word) {
                (Ok(number), "passed") => self.passed += number,
                (Ok(number), "failed") => self.failed += number,
                _ => {}
            }
        }
    }

    /// Counts `all` checks of which `failed` did not hold (several findings of one check are
    /// counted as that many failures, and never as a negative number of successes).
    pub(crate) fn check_all(&mut self, all: usize, failed: usize) {
        self.passed += all.saturating_sub(failed);
        self.failed += failed;
    }

    /// The closing line.
    pub(crate) fn line(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_the_harness_are_summed_and_others_ignored() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.52s");
        tally.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally.read("test x::says_7_passed ... ok");
        assert_eq!(tally.line(), "15 passed, 2 failed");
    }

    #[test]
    fn many_findings_of_few_checks_never_count_below_zero() {
        let mut tally = Tally::default();
        tally.check_all(3, 5);
        assert_eq!(
            tally,
            Tally {
                passed: 0,
                failed: 5
            }
        );
    }
}
