//! What happened in a world.

/// What happened, to see that the model is no idle one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) commits: u64,
    pub(super) allows: u64,
    pub(super) denies: u64,
    pub(super) lapses: u64,
    pub(super) fenced_applied: u64,
    pub(super) fenced_lapsed: u64,
    pub(super) fenced_gone: u64,
    pub(super) crashes: u64,
    pub(super) failovers: u64,
    pub(super) pauses: u64,
    pub(super) starts: u64,
}

impl Seen {
    pub(super) fn add(&mut self, more: &Self) {
        self.commits += more.commits;
        self.allows += more.allows;
        self.denies += more.denies;
        self.lapses += more.lapses;
        self.fenced_applied += more.fenced_applied;
        self.fenced_lapsed += more.fenced_lapsed;
        self.fenced_gone += more.fenced_gone;
        self.crashes += more.crashes;
        self.failovers += more.failovers;
        self.pauses += more.pauses;
        self.starts += more.starts;
    }

    pub(super) fn is_rich(&self) -> bool {
        [
            self.commits,
            self.allows,
            self.denies,
            self.lapses,
            self.fenced_applied,
            self.fenced_lapsed,
            self.fenced_gone,
            self.crashes,
            self.failovers,
            self.pauses,
            self.starts,
        ]
        .iter()
        .all(|count| *count >= 20)
    }
}
