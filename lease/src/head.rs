//! The newest change of a database, and which history its numbers belong to.

use uuid::Uuid;

/// Which history change numbers belong to. If any part differs, numbers cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Set anew by a restore and by whoever changed tables past the triggers.
    pub epoch: Uuid,
    /// Set by `initdb`.
    pub system_identifier: i64,
    /// Set anew by each promotion of a standby: eight hexadecimal digits.
    pub timeline: String,
}

impl History {
    /// Whether `other` is the same database before a promotion. A promoted standby's timeline is
    /// always the larger one, and both have eight digits.
    pub(crate) fn is_after(&self, other: &Self) -> bool {
        self.epoch == other.epoch
            && self.system_identifier == other.system_identifier
            && self.timeline > other.timeline
    }
}

/// The newest change and the history it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest change; 0 before the first.
    pub number: i64,
    /// Where that number counts.
    pub history: History,
}

/// Why what was applied cannot be trusted under a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It is another history.
    History,
    /// The newest number is smaller than what was applied.
    Behind,
}

impl Doubt {
    /// Whether what was applied is no beginning of what `head` stands for.
    pub(crate) fn of(applied: &Head, head: &Head) -> Option<Self> {
        if head.history != applied.history {
            Some(Self::History)
        } else if head.number < applied.number {
            Some(Self::Behind)
        } else {
            None
        }
    }
}
