//! How severely an alarm's condition holds, and what the replicated machine has of it.

use labkeeper_model::Timestamp;

/// The severity of an inner limit, and of every condition that has only one.
pub const SEVERITY_INNER: u8 = 1;
/// The severity of an outer limit: `hihi`, `lolo`.
pub const SEVERITY_OUTER: u8 = 2;

/// Whether a condition holds; ordered by severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It does not.
    #[default]
    Clear,
    /// It does, this severely.
    Active(u8),
}

impl Level {
    /// Whether it holds.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active(_))
    }

    /// How severely; 0 if it does not hold.
    #[must_use]
    pub const fn severity(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Active(severity) => severity,
        }
    }
}

/// What the replicated machine has of an alarm's condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Whether it was last said to hold.
    pub level: Level,
    /// Whether it was last said that it cannot be told.
    pub is_bad: bool,
    /// Whether it is suppressed by design.
    pub is_suppressed: bool,
    /// The time of the last word that was taken; words that are not later are repeats.
    pub word_at: Timestamp,
}
