//! The sabotages: one line of meaning each, and the tests that must notice.

/// A named way to break the code.
#[derive(Debug)]
pub(super) struct Sabotage {
    pub(super) name: &'static str,
    /// Relative to the root.
    pub(super) file: &'static str,
    /// What stands there, exactly once.
    pub(super) find: &'static str,
    /// What the saboteur writes instead.
    pub(super) replace: &'static str,
    /// The package whose tests must notice.
    pub(super) package: &'static str,
    /// Parts of the names of these tests.
    pub(super) tests: &'static [&'static str],
}

/// The seven of the first issue.
pub(super) const SABOTAGES: &[Sabotage] = &[];
