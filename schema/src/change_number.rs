//! The number of a transaction in the change log: `changeNumber` everywhere outside SQL.

use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Number of a change: gap-free, in commit order, from 1. Zero is "nothing applied yet".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ChangeNumber(pub i64);

impl ChangeNumber {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// The plain number, for SQL parameters and metrics.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The only number that may follow this one without a full reload.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for ChangeNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// For hints: the payload of a notification is a number as text, or nothing to rely on.
impl FromStr for ChangeNumber {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl From<i64> for ChangeNumber {
    fn from(number: i64) -> Self {
        Self(number)
    }
}
