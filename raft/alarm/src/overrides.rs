//! Why nobody is told of an alarm: each reason is a fact of its own, and the strongest of those in force is shown.

use labkeeper_model::Timestamp;
use std::time::Duration;

/// How long a second person has to agree where one alone may not take an alarm out of service: long enough to walk over.
pub const SECOND_PERSON_WITHIN: Duration = Duration::from_secs(15 * 60);

/// What overrides an alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Taken out of service by a person, for as long as it takes.
    pub out_of_service: Option<OutOfService>,
    /// Its suppression rule is true.
    pub rule: bool,
    /// Its segment is being taken over: what is unreachable meanwhile is no news until then.
    pub takeover_until: Option<Timestamp>,
    /// Put aside by a person for a time.
    pub shelf: Option<Shelf>,
    /// Somebody asked for it to be taken out of service, and another must agree.
    pub proposal: Option<OutOfService>,
}

impl Overrides {
    /// Whether anything overrides it.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.out_of_service.is_some() || self.is_suppressed() || self.shelf.is_some()
    }

    /// Whether it is suppressed by design.
    #[must_use]
    pub const fn is_suppressed(&self) -> bool {
        self.rule || self.takeover_until.is_some()
    }
}

/// Put aside for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    /// Until when at most.
    pub until: Timestamp,
    /// Whether it ends as soon as the condition does.
    pub one_shot: bool,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Taken out of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfService {
    /// Since when.
    pub since: Timestamp,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: String,
}
