//! The rules of the promise, each of which a test can take away.

/// The rules that a world keeps; all of them unless a test weakens one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule, kept or not")]
pub(super) struct Rules {
    pub(super) fence: bool,
    pub(super) kick_after_fence: bool,
    pub(super) lease_looked_at_last: bool,
    pub(super) edition_looked_at_last: bool,
    pub(super) margin: bool,
    pub(super) durable_renewals: bool,
    pub(super) empty_new_lease: bool,
    pub(super) deadline_from_before: bool,
    pub(super) late_renewal_refused: bool,
    pub(super) look_dated_by_its_question: bool,
    pub(super) history_seen: bool,
    /// A pause may hold an answer back between its last look and its bytes. Then the promise is
    /// only that no broker takes it after `complete`.
    pub(super) torn_writes: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fence: true,
            kick_after_fence: true,
            lease_looked_at_last: true,
            edition_looked_at_last: true,
            margin: true,
            durable_renewals: true,
            empty_new_lease: true,
            deadline_from_before: true,
            late_renewal_refused: true,
            look_dated_by_its_question: true,
            history_seen: true,
            torn_writes: false,
        }
    }
}
