//! What an owner says about an alarm's condition, and what the replicated machine has of it.

use labkeeper_model::{Timestamp, Value};

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

/// One word about an alarm.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// The condition holds.
    Active {
        /// How severely.
        severity: u8,
        /// The reading that showed it, if one did.
        value: Option<Value>,
    },
    /// The condition does not hold.
    Clear {
        /// The reading that showed it, if one did.
        value: Option<Value>,
    },
    /// Whether it holds cannot be told: it stays what it was.
    Bad {
        /// Why.
        cause: String,
    },
    /// It can be told again.
    Good,
    /// Whether what suppresses it by design holds.
    Suppressed(bool),
    /// It comes and goes too often to be said each time. While that lasts, what flickers counts as active.
    Chattering {
        /// How often it came since the last word.
        cycles: u32,
        /// Whether it held at any time since the last word.
        active: bool,
        /// How severely at worst; 0 if it did not hold.
        severity: u8,
        /// The latest reading.
        value: Option<Value>,
    },
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
