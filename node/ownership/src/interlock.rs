//! What the owner of a segment thinks of one interlock: from its evaluated requirement to a verdict, and what follows from it. Pure; time is
//! passed in.
//!
//! ```text
//!              holds                            does not hold, or cannot be told
//!   unknown ──────────► healthy ──────────────────────────────────────────────────► tripped
//!      │                   ▲       holds for STEADY, and the site has the trip         │
//!      │                   └───────────────────────────────────────────────────────────┤
//!      │  does not hold: at once; cannot be told: after GRACE                          │
//!      └───────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! **Unknown** is how every ownership begins: its devices have not been read. Commands are refused as if it had tripped, but nothing is
//! forced, and the site is not told of a trip that is nothing but a takeover.
//!
//! **A trip is never lost.** It comes at once and stays until the replicated state has it: a requirement that failed for a blink has
//! latched a `protect` that needs a reset. In the other direction it takes [`STEADY`], so that an input that flutters costs the log two
//! entries a second at most, and nobody's valve flutters with it.
//!
//! Latching, resets and defeats are the replicated state's; what it has is passed in as a [`Record`]. Knows nothing of expressions and
//! devices.

use crate::Moment;
use labkeeper_model::site::{InterlockSpec, SiteSpec, Stage};
use labkeeper_model::{Name, Sample, TagPath, Value};
use std::time::Duration;

/// How long a requirement must hold again before the interlock counts as healthy: twice the pause between two default polls.
pub const STEADY: Duration = Duration::from_secs(1);
/// How long an ownership may take to read what the requirement is about before that counts as not holding: as long as a takeover waits
/// for devices that do not answer ([`crate::takeover::REPORT_AFTER`]), and no shorter than inputs may be old.
const GRACE_MIN: Duration = crate::takeover::REPORT_AFTER;
/// Pause between two attempts to drive a tag to its safe value: two of a bus's attempts to connect at first, and time for a reading in
/// between.
pub const FORCE_AGAIN: Duration = Duration::from_secs(1);

/// What became of a requirement when it was evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// It holds.
    Holds,
    /// It does not hold; why, in words.
    Violated(String),
    /// An input is missing, bad or too old; which, in words.
    Unsure(String),
}

/// What the owner thinks of an interlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that it is about has been read yet.
    Unknown,
    /// Its requirement holds.
    Healthy,
    /// It does not, or cannot be told; why, in words.
    Tripped(String),
}

/// What the replicated state has of an interlock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// What it was told under this ownership: whether it has tripped; `None` if it was told nothing.
    pub tripped: Option<bool>,
    /// Whether it waits for a person to reset it.
    pub is_latched: bool,
    /// Whether somebody has taken it out of force.
    pub is_defeated: bool,
}

/// One interlock under one ownership.
#[derive(Clone, Debug)]
pub struct Interlock {
    stage: Stage,
    /// From when on an input that cannot be told counts as a trip.
    grace_until: Moment,
    verdict: Verdict,
    /// Since when the requirement has held without a break while the verdict is still "tripped".
    steady_since: Option<Moment>,
}

impl Interlock {
    /// An interlock whose owner has just begun.
    #[must_use]
    pub fn new(spec: &InterlockSpec, now: Moment) -> Self {
        let grace_until = now.saturating_add(spec.max_age.max(GRACE_MIN));
        Self { stage: spec.stage, grace_until, verdict: Verdict::Unknown, steady_since: None }
    }

    /// Takes an evaluation.
    pub fn handle(&mut self, requirement: Requirement, record: Record, now: Moment) {
        match requirement {
            Requirement::Violated(why) => self.trip(why),
            Requirement::Unsure(why) => {
                if self.verdict != Verdict::Unknown || now >= self.grace_until {
                    self.trip(why);
                }
            }
            Requirement::Holds if matches!(self.verdict, Verdict::Tripped(_)) => {
                let since = *self.steady_since.get_or_insert(now);
                let is_told = record.tripped == Some(true);
                if is_told && now.saturating_since(since) >= STEADY {
                    self.verdict = Verdict::Healthy;
                }
            }
            Requirement::Holds => self.verdict = Verdict::Healthy,
        }
    }

    /// What the owner thinks.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Whether the replicated state is to be told.
    #[must_use]
    pub const fn differs_from(&self, record: Record) -> bool {
        match (&self.verdict, record.tripped) {
            (Verdict::Unknown, _) | (Verdict::Healthy, Some(false)) | (Verdict::Tripped(_), Some(true)) => false,
            (Verdict::Healthy | Verdict::Tripped(_), _) => true,
        }
    }

    /// Whether its tags are to be driven to their safe values.
    #[must_use]
    pub const fn forces(&self, record: Record) -> bool {
        let has_tripped = matches!(self.verdict, Verdict::Tripped(_)) || record.is_latched;
        self.stage.forces_safe() && has_tripped && !record.is_defeated && !matches!(self.verdict, Verdict::Unknown)
    }

    fn trip(&mut self, why: String) {
        self.steady_since = None;
        // The first cause is the one that counts.
        if !matches!(self.verdict, Verdict::Tripped(_)) {
            self.verdict = Verdict::Tripped(why);
        }
    }
}

/// Why an interlock keeps its tags from being driven at this very moment; `None` if it does not. The requirement is evaluated for the
/// occasion, so that a write does not leave between two looks at an input.
#[must_use]
pub fn why_not(verdict: &Verdict, requirement: &Requirement, record: Record) -> Option<String> {
    if record.is_defeated {
        return None;
    }
    match (requirement, verdict) {
        (Requirement::Violated(why) | Requirement::Unsure(why), _) => Some(why.clone()),
        (Requirement::Holds, Verdict::Tripped(why)) => Some(format!("tripped: {why}")),
        (Requirement::Holds, Verdict::Unknown) => Some("nothing is known about it since the segment was taken over".into()),
        (Requirement::Holds, Verdict::Healthy) if record.is_latched => Some("it has tripped and was not reset".into()),
        (Requirement::Holds, Verdict::Healthy) => None,
    }
}

/// Driving one tag to its safe value for as long as an interlock wants it there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forced {
    last: Option<Moment>,
    is_done: bool,
}

impl Forced {
    /// Whether to write the safe value: until a reading shows it, or the device has acknowledged it where nothing can be read; and again
    /// when somebody moves it away.
    #[must_use]
    pub fn is_due(&mut self, safe: &Value, tolerance: f64, reading: Option<&Sample>, now: Moment) -> bool {
        let is_safe = match reading.and_then(|sample| sample.value.as_ref()) {
            Some(value) => value.within(safe, tolerance),
            None => self.is_done,
        };
        if is_safe || self.last.is_some_and(|last| now.saturating_since(last) < FORCE_AGAIN) {
            return false;
        }
        self.last = Some(now);
        true
    }

    /// Takes whether the device acknowledged it.
    pub const fn handle_written(&mut self, is_written: bool) {
        self.is_done |= is_written;
    }
}

/// The tags that an interlock forces with their safe values: actions are never written to make anything safe.
#[must_use]
pub fn safe_values(site: &SiteSpec, interlock: &Name) -> Vec<(TagPath, Value)> {
    let Some(spec) = site.interlocks.get(interlock).filter(|spec| spec.stage.forces_safe()) else { return vec![] };
    let safe = |path: &TagPath| {
        let (_, tag) = site.tag(path).filter(|(_, tag)| tag.action.is_none())?;
        Some((path.clone(), tag.safe.clone()?))
    };
    spec.tags.iter().filter_map(safe).collect()
}

/// The interlocks whose owner is the owner of a segment, by name: all tags of one are in one segment.
pub fn of_segment<'a>(site: &'a SiteSpec, segment: &'a str) -> impl Iterator<Item = (&'a Name, &'a InterlockSpec)> {
    site.interlocks.iter().filter(move |(_, spec)| spec.tags.first().is_some_and(|tag| tag.segment() == segment))
}

#[cfg(test)]
#[path = "interlock_tests.rs"]
mod tests;
