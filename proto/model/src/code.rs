//! Every error that a person can meet, by number: what it means and what to do about it.
//!
//! The numbers are a promise: scripts and dashboards hold on to them, so a code is never reused or renumbered.
//! `docs/errors/README.md` is the same table for reading, and a test holds the two together.
//!
//! | range | where it comes from |
//! |---|---|
//! | LAB1xxx | starting a node: its configuration, ports, data directory |
//! | LAB2xxx | the site's declaration |
//! | LAB3xxx | commands and setpoints |
//! | LAB4xxx | the cluster: leadership, membership, ownership |
//! | LAB5xxx | requests as such |
//! | LAB6xxx | devices |
//! | LAB7xxx | alarms, interlocks, the audit, notices |

mod table;

use std::fmt;

/// A stable error code, printed as `LAB3005`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
#[expect(missing_docs, reason = "each variant's meaning is its row in ErrorCode::summary, which the docs repeat")]
pub enum ErrorCode {
    ConfigInvalid = 1001,
    ConfigUnreadable = 1002,
    PortUnavailable = 1003,
    DataDirInUse = 1004,
    DataDirOfOtherSite = 1005,
    DataDirNewer = 1006,
    DataDirCorrupt = 1007,
    DiskFull = 1008,
    SeedUnreachable = 1009,
    DataDirUnusable = 1010,

    SiteInvalid = 2001,
    SiteConflict = 2002,
    SiteUnreadable = 2003,
    SheetInvalid = 2004,

    UnknownTag = 3001,
    ReadOnlyTag = 3002,
    WrongType = 3003,
    NotFinite = 3004,
    OutOfLimits = 3005,
    OutOfRange = 3006,
    RevisionConflict = 3007,
    Expired = 3008,
    CommandIdReused = 3009,
    Superseded = 3010,
    WriteFailed = 3011,
    VerifyFailed = 3012,
    BadCommandId = 3013,
    UnknownCommand = 3014,
    BadDeadline = 3015,
    Cancelled = 3016,
    OutcomeUnknown = 3017,
    WaitTimedOut = 3018,
    AlreadyDecided = 3019,
    Held = 3020,
    TagIsAction = 3021,
    TagIsNoAction = 3022,
    TooManyActions = 3023,
    NotCancellable = 3024,
    BadRamp = 3025,
    NoRamp = 3026,
    SelectionNeeded = 3027,
    StaleSelection = 3028,
    SelectionOfOther = 3029,
    SelectionMismatch = 3030,
    SelectionNotTaken = 3031,
    ControlTaken = 3040,
    ControlNeeded = 3041,
    ControlNotHeld = 3042,
    UnknownScope = 3043,
    BadControlTime = 3044,

    NoLeader = 4001,
    NotInitialised = 4002,
    AlreadyInitialised = 4003,
    DuplicateNodeName = 4004,
    UnknownNode = 4005,
    StaleEpoch = 4006,
    NotOwner = 4007,
    CommitTimedOut = 4008,
    NodeUnreachable = 4009,
    LastVoter = 4010,
    OtherSite = 4011,
    MembershipChanging = 4012,
    Fenced = 4013,
    NoOtherOwner = 4014,

    BadRequest = 5001,
    Overloaded = 5002,
    Internal = 5003,
    BadSelector = 5004,
    TooLarge = 5005,
    UnknownTask = 5006,

    DeviceTimeout = 6001,
    DeviceUnreachable = 6002,
    DeviceProtocol = 6003,
    DeviceRefused = 6004,
    DeviceConfiguration = 6005,

    UnknownAlarm = 7101,
    StaleOccurrence = 7102,
    ReasonNeeded = 7103,
    NotShelvable = 7104,
    ShelfTooLong = 7105,
    AlarmOverridden = 7106,
    ResetWhileActive = 7107,
    ResetUnacknowledged = 7108,
    SecondPersonNeeded = 7109,
    InterlockTripped = 7201,
    UnknownInterlock = 7202,
    ResetWhileTripped = 7203,
    BadDefeatTime = 7204,
    AuditBroken = 7301,
    BadAuditFile = 7302,
    UnknownRoute = 7303,
    NobodyTold = 7304,
}

impl ErrorCode {
    /// Every code with its name, meaning and remedy, in the order of the numbers.
    pub const TABLE: &'static [(Self, &'static str, &'static str, &'static str)] = table::TABLE;

    /// The number after `LAB`.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code of a number, if there is one.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::TABLE.iter().map(|row| row.0).find(|code| code.number() == number)
    }

    /// A stable word for the code.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it means, in one sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.row().2
    }

    /// What to do about it, in one sentence.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.row().3
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, &'static str) {
        const INTERNAL: (ErrorCode, &str, &str, &str) = (ErrorCode::Internal, "internal", "A fault in Labkeeper.", "Report it.");
        Self::TABLE.iter().find(|row| row.0 == self).unwrap_or(&INTERNAL)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LAB{:04}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_come_back_from_their_numbers() {
        assert!(ErrorCode::TABLE.windows(2).all(|w| w[0].0 < w[1].0));
        for (code, name, ..) in ErrorCode::TABLE {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            assert_eq!(code.name(), *name);
        }
    }
}
