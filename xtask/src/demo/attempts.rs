//! Counting attempts that had to be refused.

use std::fmt::Display;

/// Attempts of one act: how many were made, how many were shown to be refused, and the rest.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    pub(super) made: u32,
    pub(super) refused: u32,
    /// What was not shown to be refused, in sentences.
    pub(super) wrong: Vec<String>,
}

impl Attempts {
    /// Counts one attempt; `seen` is quoted when it was not refused.
    pub(super) fn count(&mut self, what: impl Display, refused: bool, seen: impl Display) {
        self.made += 1;
        if refused {
            self.refused += 1;
        } else {
            self.wrong
                .push(format!("{what} was not shown to be refused; seen: {seen}"));
        }
    }

    /// A positive control: the same tool with everything right. Not an attempt; a failure of it
    /// makes the refusals worthless, so it is as wrong as an attempt that got through.
    pub(super) fn control(&mut self, what: impl Display, worked: bool, seen: impl Display) {
        if !worked {
            self.wrong
                .push(format!("control: {what} did not work; seen: {seen}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_tool_is_not_a_refusal() {
        let mut attempts = Attempts::default();
        attempts.count("no certificate", true, "TLS alert");
        attempts.count("another id", false, "nothing");
        attempts.control("the right certificate", false, "nothing");
        assert_eq!(
            (attempts.made, attempts.refused, attempts.wrong.len()),
            (2, 1, 2)
        );
    }
}
