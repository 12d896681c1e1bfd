//! The declaration of an alarm over one tag. Checked and replicated with the tag; this version does not evaluate
//! alarms yet, and `site check` says so.

use crate::Name;
use std::time::Duration;

/// What raises the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlarmKind {
    /// Above the limit, at the outer level.
    HiHi,
    /// Above the limit.
    Hi,
    /// Below the limit.
    Lo,
    /// Below the limit, at the outer level.
    LoLo,
}

impl AlarmKind {
    /// Every kind with its word in a site file.
    pub const ALL: [(Self, &'static str); 4] = [(Self::HiHi, "hihi"), (Self::Hi, "hi"), (Self::Lo, "lo"), (Self::LoLo, "lolo")];
}

/// How urgently somebody must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Act at once.
    Critical,
    /// Act soon.
    High,
    /// Act when you can.
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
}

/// One alarm of a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmSpec {
    /// Unique within the tag.
    pub name: Name,
    /// What raises it.
    pub kind: AlarmKind,
    /// The limit, in the tag's unit.
    pub limit: f64,
    /// How far back past the limit clears it, in the tag's unit.
    pub deadband: f64,
    /// How long the condition must last.
    pub on_delay: Duration,
    /// How urgent it is.
    pub priority: Priority,
    /// What to do about it.
    pub guidance: String,
}
