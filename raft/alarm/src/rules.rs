//! What is declared about an alarm, as far as its life depends on it.

use labkeeper_model::site::{AlarmClass, AlarmSpec, Priority};
use std::time::Duration;

/// The rules that an alarm follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// How urgent it is.
    pub priority: Priority,
    /// How long its condition must last before it is raised.
    pub on_delay: Duration,
    /// How long its condition must have ended before it is cleared.
    pub off_delay: Duration,
    /// How long after an acknowledgement it is announced again while it lasts.
    pub re_alarm: Option<Duration>,
    /// Whether it stays until a person resets it.
    pub latching: bool,
    /// Whether an acknowledgement needs a comment.
    pub needs_comment: bool,
    /// Whether it may be shelved.
    pub shelvable: bool,
    /// Longest shelf.
    pub max_shelve: Duration,
    /// Whether two people must agree to take it out of service.
    pub two_people: bool,
    /// Whether its condition lasts until it is acknowledged: an event that somebody must have seen.
    pub clears_on_ack: bool,
}

impl Rules {
    /// Of an alarm that a tag declares, and its class.
    #[must_use]
    pub fn of(spec: &AlarmSpec, class: &AlarmClass) -> Self {
        Self {
            priority: spec.priority,
            on_delay: spec.on_delay,
            off_delay: spec.off_delay,
            re_alarm: spec.re_alarm.filter(|after| !after.is_zero()),
            latching: class.latching,
            needs_comment: class.needs_comment,
            shelvable: class.shelvable && !class.highly_managed,
            max_shelve: class.max_shelve.min(AlarmClass::MAX_SHELVE_CAP),
            two_people: class.highly_managed,
            clears_on_ack: false,
        }
    }

    /// Of an alarm that nobody declares: no delays, the default class.
    #[must_use]
    pub fn plain(priority: Priority) -> Self {
        Self::of(&AlarmSpec { priority, ..AlarmSpec::default() }, &AlarmClass::default())
    }
}
