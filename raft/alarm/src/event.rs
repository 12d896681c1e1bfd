//! What can happen to an alarm, what comes of it, and why a person's wish may be refused.

use crate::State;
use labkeeper_model::{AlarmWord as Word, Timestamp};
use std::fmt;
use std::time::Duration;

/// Who did it and why; empty texts where nobody did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: String,
    /// Why, or what they remark.
    pub text: String,
}

/// Something that happens to an alarm.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The owner says something.
    Word {
        /// When it was so, by the owner's clock: a delay that was over by then comes first.
        at: Timestamp,
        /// What.
        word: Word,
    },
    /// Time has passed.
    Due,
    /// Its segment is being taken over, until then at most.
    TakeoverBegan {
        /// When the new owner should have its devices.
        until: Timestamp,
    },
    /// Its segment has been taken over.
    TakeoverEnded,
    /// A person has seen an occurrence.
    Acknowledge {
        /// Which.
        occurrence: u64,
        /// Who, and their comment.
        by: By,
    },
    /// A person puts it aside.
    Shelve {
        /// Until when; `None`: until its condition ends.
        until: Option<Timestamp>,
        /// Who and why.
        by: By,
    },
    /// A person takes it from the shelf.
    Unshelve {
        /// Who and why.
        by: By,
    },
    /// A person takes it out of service.
    OutOfService {
        /// Who and why.
        by: By,
    },
    /// A person returns it to service.
    ReturnToService {
        /// Who and why.
        by: By,
    },
    /// A person resets a latch.
    Reset {
        /// Who and why.
        by: By,
    },
    /// A person remarks something.
    Comment {
        /// Who and what.
        by: By,
    },
}

/// What the journal calls a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the word of the same name in the documentation of alarms, and in Transition::ALL")]
pub enum Transition {
    Raised,
    Escalated,
    ReAlarm,
    Ack,
    Cleared,
    ClearedLatched,
    Reset,
    Shelved,
    Unshelved,
    UnshelvedAuto,
    Suppressed,
    Unsuppressed,
    OutOfServiceAsked,
    OutOfService,
    ReturnedToService,
    Quality,
    Chattering,
    Comment,
    Removed,
}

impl Transition {
    /// Every one with its word.
    pub const ALL: [(Self, &'static str); 19] = [
        (Self::Raised, "RAISED"),
        (Self::Escalated, "ESCALATED"),
        (Self::ReAlarm, "REALARM"),
        (Self::Ack, "ACK"),
        (Self::Cleared, "CLEARED"),
        (Self::ClearedLatched, "CLEARED-LATCHED"),
        (Self::Reset, "RESET"),
        (Self::Shelved, "SHELVED"),
        (Self::Unshelved, "UNSHELVED"),
        (Self::UnshelvedAuto, "UNSHELVED-AUTO"),
        (Self::Suppressed, "SUPPRESSED"),
        (Self::Unsuppressed, "UNSUPPRESSED"),
        (Self::OutOfServiceAsked, "OOS-ASKED"),
        (Self::OutOfService, "OOS"),
        (Self::ReturnedToService, "RTS"),
        (Self::Quality, "QUALITY"),
        (Self::Chattering, "CHATTERING"),
        (Self::Comment, "COMMENT"),
        (Self::Removed, "REMOVED"),
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The one of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == word).map(|row| row.0)
    }
}

/// One row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What happened.
    pub transition: Transition,
    /// To which occurrence.
    pub occurrence: u64,
    /// The state after it.
    pub state: State,
    /// Whether people are to be told.
    pub announced: bool,
    /// Who and why.
    pub by: By,
}

/// What came of an event; without rows, nothing that anybody would ask for later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In order.
    pub rows: Vec<Row>,
}

/// Why a person's wish is refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The occurrence is not the present one.
    StaleOccurrence {
        /// The present one; 0: there was none.
        present: u64,
    },
    /// An acknowledgement of it needs a comment.
    CommentNeeded,
    /// A reason is needed.
    ReasonNeeded,
    /// It may not be shelved.
    NotShelvable,
    /// The shelf would end too late, or in the past.
    ShelfTooLong {
        /// Longest shelf.
        max: Duration,
    },
    /// It is suppressed or out of service, so a shelf would hide nothing.
    Overridden {
        /// Which of the two.
        state: State,
    },
    /// Its condition lasts, so its latch cannot be reset.
    ResetWhileActive,
    /// It must be acknowledged before it is reset.
    ResetUnacknowledged,
    /// Another person must agree.
    SecondPersonNeeded,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StaleOccurrence { present: 0 } => write!(f, "it has never occurred"),
            Self::StaleOccurrence { present } => write!(f, "its present occurrence is {present}"),
            Self::CommentNeeded => write!(f, "an acknowledgement needs a comment"),
            Self::ReasonNeeded => write!(f, "a reason is needed"),
            Self::NotShelvable => write!(f, "its class does not allow it to be shelved"),
            Self::ShelfTooLong { max } => write!(f, "a shelf ends in the future, within {} s at most", max.as_secs()),
            Self::Overridden { state } => write!(f, "it is {state} already"),
            Self::ResetWhileActive => write!(f, "its condition lasts"),
            Self::ResetUnacknowledged => write!(f, "nobody has acknowledged it"),
            Self::SecondPersonNeeded => write!(f, "another person must agree"),
        }
    }
}
