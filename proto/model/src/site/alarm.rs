//! The declaration of an alarm over one tag, and of the classes that alarms share.
//!
//! Whether an alarm is raised, and what people did about it, is replicated state and not here.

use crate::{Name, TagPath, Value};
use std::time::Duration;

/// What raises the alarm, seen from the reading of its tag.
#[derive(Clone, Debug, PartialEq)]
pub enum AlarmKind {
    /// Beyond a limit, in the tag's unit; at least one is declared. The outer ones are more severe.
    Levels(Levels),
    /// Further than `limit` away from another tag, or from the tag's own setpoint where none is named.
    Deviation {
        /// The other tag.
        from: Option<TagPath>,
        /// Largest difference that is no alarm, in the tag's unit.
        limit: f64,
    },
    /// Changes faster than this, up or down, measured over `over`.
    Rate {
        /// Units per second.
        per_s: f64,
        /// Over how long the change is measured.
        over: Duration,
    },
    /// Has exactly this value (a discrete state).
    Equals {
        /// The value.
        value: Value,
    },
    /// Changed; active for as long as its off-delay.
    Changed,
    /// Differs from what was written to it for longer than a write is given to settle.
    Discrepancy {
        /// Largest difference that is no alarm, in the tag's unit.
        tolerance: f64,
        /// How long after a write a difference is no alarm.
        settle: Duration,
    },
    /// Not read for this long.
    Stale {
        /// How long.
        after: Duration,
    },
    /// An expression over tags is true.
    Expression {
        /// Its text; `labkeeper-expression` reads it.
        source: String,
    },
}

impl AlarmKind {
    /// The word in a site file; the four single limits each have their own.
    pub const WORDS: [&'static str; 12] =
        ["hihi", "hi", "lo", "lolo", "levels", "deviation", "rate", "equals", "changed", "discrepancy", "stale", "expression"];

    /// Its word in a site file: a single limit has its own, several are `levels`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Levels(Levels { lolo: None, lo: None, hi: None, hihi: Some(_) }) => "hihi",
            Self::Levels(Levels { lolo: None, lo: None, hi: Some(_), hihi: None }) => "hi",
            Self::Levels(Levels { lolo: None, lo: Some(_), hi: None, hihi: None }) => "lo",
            Self::Levels(Levels { lolo: Some(_), lo: None, hi: None, hihi: None }) => "lolo",
            Self::Levels(_) => "levels",
            Self::Deviation { .. } => "deviation",
            Self::Rate { .. } => "rate",
            Self::Equals { .. } => "equals",
            Self::Changed => "changed",
            Self::Discrepancy { .. } => "discrepancy",
            Self::Stale { .. } => "stale",
            Self::Expression { .. } => "expression",
        }
    }
}

/// Limits on a value, in the tag's unit; `lolo` <= `lo` < `hi` <= `hihi` where they are declared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// Below: more severe.
    pub lolo: Option<f64>,
    /// Below.
    pub lo: Option<f64>,
    /// Above.
    pub hi: Option<f64>,
    /// Above: more severe.
    pub hihi: Option<f64>,
}

/// How urgently somebody must act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Act at once.
    Critical,
    /// Act soon.
    High,
    /// Act when you can.
    #[default]
    Medium,
    /// Know about it.
    Low,
    /// Journal only.
    Diagnostic,
}

impl Priority {
    /// Every priority with its word in a site file.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Critical, "critical"),
        (Self::High, "high"),
        (Self::Medium, "medium"),
        (Self::Low, "low"),
        (Self::Diagnostic, "diagnostic"),
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Diagnostic => "diagnostic",
        }
    }
}

/// What an operator is told about an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guidance {
    /// What to do about it.
    pub action: String,
    /// What happens if nobody does.
    pub consequence: String,
    /// How soon it must be done.
    pub response_time: Option<Duration>,
    /// A page or a display that helps.
    pub link: String,
}

/// One alarm of a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmSpec {
    /// Unique within the tag.
    pub name: Name,
    /// What raises it.
    pub kind: AlarmKind,
    /// How far back past the limit clears it, in the tag's unit.
    pub deadband: f64,
    /// How long the condition must last before it is raised.
    pub on_delay: Duration,
    /// How long the condition must have ended before it is cleared.
    pub off_delay: Duration,
    /// How urgent it is.
    pub priority: Priority,
    /// The class whose rules it follows; the default class if none is named.
    pub class: Option<Name>,
    /// What to do about it.
    pub guidance: Guidance,
    /// How long after an acknowledgement it is announced again while it lasts; `None`: never.
    pub re_alarm: Option<Duration>,
    /// While this expression is true, the alarm is suppressed by design.
    pub suppress_when: Option<String>,
}

impl Default for AlarmSpec {
    /// What a site file leaves out; name and kind stand for nothing.
    fn default() -> Self {
        Self {
            name: Name::new("alarm").expect("a name"),
            kind: AlarmKind::Levels(Levels::default()),
            deadband: 0.0,
            on_delay: Duration::ZERO,
            off_delay: Duration::ZERO,
            priority: Priority::Medium,
            class: None,
            guidance: Guidance::default(),
            re_alarm: None,
            suppress_when: None,
        }
    }
}

/// What alarms share: how they may be overridden, and whether they latch.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmClass {
    /// For people.
    pub description: String,
    /// Whether they may be shelved.
    pub shelvable: bool,
    /// Longest shelf.
    pub max_shelve: Duration,
    /// Whether an acknowledgement needs a comment.
    pub needs_comment: bool,
    /// Whether they stay until an operator resets them.
    pub latching: bool,
    /// Whether they may not be shelved, and need two people to be taken out of service.
    pub highly_managed: bool,
}

impl AlarmClass {
    /// Longest shelf where a class names none: a shift.
    pub const MAX_SHELVE_DEFAULT: Duration = Duration::from_secs(8 * 3600);
    /// Longest shelf that a class may allow: whoever comes the next day must see the alarm.
    pub const MAX_SHELVE_CAP: Duration = Duration::from_secs(24 * 3600);
}

impl Default for AlarmClass {
    fn default() -> Self {
        Self {
            description: String::new(),
            shelvable: true,
            max_shelve: Self::MAX_SHELVE_DEFAULT,
            needs_comment: false,
            latching: false,
            highly_managed: false,
        }
    }
}
