//! The one name under which an alarm is shown, derived from its facts.

use crate::{Ack, Alarm};
use std::fmt;

/// The state of an alarm: the first that fits, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// A person has taken it out of service.
    OutOfService,
    /// A rule of the site, or a takeover, makes it no news.
    Suppressed,
    /// A person has put it aside for a time.
    Shelved,
    /// It lasts, and nobody has seen it.
    Unacknowledged,
    /// It lasts, and somebody has seen it.
    Acknowledged,
    /// It ended, nobody has seen it, and a person must reset it.
    LatchedUnacknowledged,
    /// It ended, and a person must reset it.
    Latched,
    /// It ended, and nobody has seen it.
    Returned,
    /// There is nothing to say.
    Normal,
}

impl State {
    /// Every state with its word and its letter (after Beckhoff's `E_MTP_AlarmState`).
    pub const TABLE: [(Self, &'static str, &'static str); 9] = [
        (Self::OutOfService, "out_of_service", "G"),
        (Self::Suppressed, "suppressed", "F"),
        (Self::Shelved, "shelved", "E"),
        (Self::Unacknowledged, "unacknowledged", "B"),
        (Self::Acknowledged, "acknowledged", "C"),
        (Self::LatchedUnacknowledged, "latched_unacknowledged", "B'"),
        (Self::Latched, "latched", "C'"),
        (Self::Returned, "returned", "D"),
        (Self::Normal, "normal", "A"),
    ];

    pub(crate) fn of(alarm: &Alarm) -> Self {
        let unacked = alarm.ack == Ack::Unacked;
        let overrides = &alarm.overrides;
        match () {
            () if overrides.out_of_service.is_some() => Self::OutOfService,
            () if overrides.is_suppressed() => Self::Suppressed,
            () if overrides.shelf.is_some() => Self::Shelved,
            () if alarm.condition.is_active() && unacked => Self::Unacknowledged,
            () if alarm.condition.is_active() => Self::Acknowledged,
            () if alarm.latched && unacked => Self::LatchedUnacknowledged,
            () if alarm.latched => Self::Latched,
            () if unacked => Self::Returned,
            () => Self::Normal,
        }
    }

    fn row(self) -> (Self, &'static str, &'static str) {
        // The last row is Normal, which is also what a missing row would have to be.
        Self::TABLE.into_iter().find(|row| row.0 == self).unwrap_or(Self::TABLE[8])
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// Its letter, A to G.
    #[must_use]
    pub fn letter(self) -> &'static str {
        self.row().2
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::TABLE.iter().find(|row| row.1 == word).map(|row| row.0)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
