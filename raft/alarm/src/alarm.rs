//! The facts about one alarm.

use crate::{Chatter, Overrides, Rules, State};
use labkeeper_model::site::Priority;
use labkeeper_model::{Timestamp, Value};

/// Most comments that are kept of an alarm: what a shift says about it. The journal remembers further back.
pub const COMMENTS_MAX: usize = 5;

/// Everything that is known of one alarm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alarm {
    /// What the field is like.
    pub condition: Condition,
    /// Whether somebody has seen the occurrence.
    pub ack: Ack,
    /// Whether it stays until a person resets it, as it has ended since.
    pub latched: bool,
    /// Why nobody is told.
    pub overrides: Overrides,
    /// Number of the newest occurrence; 0 before the first.
    pub occurrence: u64,
    /// When that began.
    pub raised: Timestamp,
    /// The most severe word of that occurrence.
    pub max_severity: u8,
    /// Whether what it is derived from can be trusted.
    pub quality: Quality,
    /// How urgent it is, as declared when it was last looked at.
    pub priority: Priority,
    /// The value with the latest word about its condition.
    pub value: Option<Value>,
    /// What the machine itself says about it; empty for what owners report.
    pub text: String,
    /// The latest comments, oldest first.
    pub comments: Vec<Comment>,
    /// How often it comes and goes.
    pub chatter: Chatter,
    /// When the state that is shown was last another.
    pub since: Timestamp,
    /// When time alone changes it; `None` if it does not.
    pub due: Option<Timestamp>,
    /// The time of the latest word of an owner, by its clock: a word that is not later is a repeat.
    pub heard: Timestamp,
}

/// What the field is like. Times are the replicated machine's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// As it should be.
    #[default]
    Normal,
    /// Not as it should be, but not for long enough.
    OnDelay {
        /// Since when.
        since: Timestamp,
        /// The latest word.
        severity: u8,
    },
    /// Not as it should be.
    Active {
        /// Since when.
        since: Timestamp,
        /// The latest word.
        severity: u8,
    },
    /// As it should be again, but not for long enough.
    OffDelay {
        /// Since when.
        since: Timestamp,
        /// The latest word while it lasted.
        severity: u8,
    },
}

impl Condition {
    /// Whether it is shown as lasting.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active { .. } | Self::OffDelay { .. })
    }
}

/// Whether somebody has seen the present occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// Nobody has.
    Unacked,
    /// Somebody has, or there is nothing to see.
    Acked {
        /// When.
        at: Timestamp,
        /// Who; empty if nobody needed to.
        by: String,
    },
}

impl Default for Ack {
    fn default() -> Self {
        Self::Acked { at: Timestamp(0), by: String::new() }
    }
}

/// Whether what an alarm is derived from can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// It can.
    #[default]
    Good,
    /// It cannot: the condition is held as it was.
    Bad {
        /// Why.
        cause: String,
        /// Since when.
        since: Timestamp,
    },
}

/// What somebody remarked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// When.
    pub time: Timestamp,
    /// About which occurrence.
    pub occurrence: u64,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
}

/// What the owner has said last, as far as it was understood: an owner that has nothing else to say says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The severity, if the condition lasts.
    pub active: Option<u8>,
    /// Whether its inputs are bad.
    pub bad: bool,
    /// Whether its suppression rule is true.
    pub suppressed: bool,
}

impl Alarm {
    /// An alarm that was never raised.
    #[must_use]
    pub fn new(priority: Priority) -> Self {
        Self { priority, ..Self::default() }
    }

    /// The state that is shown: the first that fits.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self)
    }

    /// Whether people are told of it: it is not overridden, and not for the journal only.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        !self.overrides.any() && self.priority != Priority::Diagnostic
    }

    /// Whether there is nothing to remember but how often it occurred.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let quiet = self.state() == State::Normal && self.condition == Condition::Normal && self.quality == Quality::Good;
        quiet && self.chatter.episode.is_none() && self.overrides.proposal.is_none()
    }

    /// What the owner has said last.
    #[must_use]
    pub fn told(&self) -> Told {
        let active = match (&self.chatter.episode, self.condition) {
            (Some(episode), _) => episode.active.then_some(episode.severity),
            (None, Condition::OnDelay { severity, .. } | Condition::Active { severity, .. }) => Some(severity),
            (None, Condition::Normal | Condition::OffDelay { .. }) => None,
        };
        Told { active, bad: self.quality != Quality::Good, suppressed: self.overrides.rule }
    }

    /// Looks at it under rules that may have changed.
    pub fn review(&mut self, rules: &Rules) {
        self.priority = rules.priority;
        self.due = self.timers(rules).map(|(at, _)| at).min();
    }
}
