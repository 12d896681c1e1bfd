//! What the owner of a device says about an alarm's condition: the one word in which detection, the log and the alarm's life agree.

use crate::Value;

/// One word about an alarm's condition. Saying the same twice changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum AlarmWord {
    /// It holds.
    Active {
        /// 1 beyond an inner limit and for conditions that have only one, 2 beyond an outer one.
        severity: u8,
        /// The reading that showed it, if one did.
        value: Option<Value>,
    },
    /// It has ended, beyond the deadband.
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
