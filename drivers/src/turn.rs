//! Whose turn it is on a bus: which request comes next, or how long there is nothing to do.
//!
//! The request that has been due longest goes first. A poll of several requests is taken one request at a time, so that a
//! command waits for one request at most. A device that does not answer steps back: it is tried again only after its
//! back-off, and all trying together takes at most a quarter of the time of a bus on which others answer.
//!
//! ```text
//!             connected                    request due
//!   Down ───────────────────► Up (idle) ───────────────► Up (request)
//!    ▲  ◄── connect failed,     ▲  │ idle for long          │   │
//!    │      wait for retry      │  └──► connect anew        │   │
//!    │                          └────── answer, time-out ◄──┘   │
//!    └──────────────────────── connection gone ◄────────────────┘
//! ```
//!
//! It knows nothing of sockets, tags or values; the time and random numbers are passed in.

use crate::health::{Health, HealthState};
use crate::pace::{Pace, Paced};
use crate::schedule::{Schedule, Tick};
use std::time::{Duration, Instant};

/// After so much silence a connection is opened anew before its next use. Half of a minute, the shortest idle time after which
/// devices are commonly set to close a connection; without it, slow polls would find every second connection dead.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// After a failed try that took t, no further try for 3t: of every 4t one is spent on trying, a quarter.
const REST_AFTER_TRY: u32 = 3;

/// What a bus is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Open the connection.
    Connect,
    /// Do one request of a unit's plan.
    Read {
        /// Which unit.
        unit: usize,
        /// Which request of its plan.
        request: usize,
    },
    /// Nothing until then; for ever, if there is no time.
    Wait {
        /// When to ask again.
        until: Option<Instant>,
    },
}

/// One device as the bus sees it.
#[derive(Debug)]
struct Unit {
    schedule: Schedule,
    pace: Pace,
    health: Health,
    /// How many turns a poll takes: one for each request of its plan. A unit with none never gets a turn.
    requests: usize,
    /// The next request of the poll that is under way.
    cursor: usize,
    /// The tick that the poll under way began with.
    began: Option<Instant>,
    /// Whether the poll under way met a refusal.
    refused: bool,
    /// When the last poll was complete.
    completed: Option<Instant>,
}

impl Unit {
    /// Since when it wants the bus.
    fn wants_since(&self) -> Option<Instant> {
        (self.requests > 0).then(|| self.began.unwrap_or_else(|| self.schedule.due()))
    }
}

#[derive(Debug)]
enum Link {
    Down { retry_at: Instant },
    Up { used_at: Instant },
}

/// The turns of one bus.
#[derive(Debug)]
pub(crate) struct Turns {
    units: Vec<Unit>,
    link: Link,
    link_health: Health,
    /// No try of a silent unit before this.
    try_not_before: Instant,
}

impl Turns {
    /// Units by poll period and number of turns of a poll; all are due at once.
    pub(crate) fn new(units: impl IntoIterator<Item = (Duration, usize)>, now: Instant) -> Self {
        let unit = |(period, requests)| {
            let schedule = Schedule::new(period, now);
            let pace = Pace::new(schedule.period());
            Unit { schedule, pace, health: Health::default(), requests, cursor: 0, began: None, refused: false, completed: None }
        };
        Self {
            units: units.into_iter().map(unit).collect(),
            link: Link::Down { retry_at: now },
            link_health: Health::default(),
            try_not_before: now,
        }
    }

    /// What to do at `now`.
    pub(crate) fn next(&self, now: Instant) -> Turn {
        let ready = |unit: &usize| self.ready_at(*unit).is_some_and(|at| at <= now);
        // Among those who may, the one who has waited longest, however long it may have had to rest.
        let longest = (0..self.units.len()).filter(ready).min_by_key(|unit| self.units[*unit].wants_since());
        let Some(unit) = longest else {
            return Turn::Wait { until: (0..self.units.len()).filter_map(|unit| self.ready_at(unit)).min() };
        };
        match self.link {
            Link::Down { retry_at } if retry_at > now => Turn::Wait { until: Some(retry_at) },
            Link::Down { .. } => Turn::Connect,
            Link::Up { used_at } if now.saturating_duration_since(used_at) >= IDLE_MAX => Turn::Connect,
            Link::Up { .. } => Turn::Read { unit, request: self.units[unit].cursor },
        }
    }

    /// Whether there is a connection that can be used at `now`.
    pub(crate) fn is_up(&self, now: Instant) -> bool {
        matches!(self.link, Link::Up { used_at } if now.saturating_duration_since(used_at) < IDLE_MAX)
    }

    /// Until when a command for the unit has no prospect: the connection or the device is down and in its back-off. Commands
    /// keep to the quarter too that all trying together may take: a flood of them for a dead device does not stop its neighbours.
    pub(crate) fn hopeless_until(&self, unit: usize, now: Instant) -> Option<Instant> {
        let device = &self.units[unit].health;
        let rest = self.is_resting(unit).then_some(self.try_not_before);
        let device_retry = device.retry_at().max(rest).filter(|_| device.state() == HealthState::Offline);
        let link_retry = match self.link {
            Link::Down { retry_at } => Some(retry_at),
            Link::Up { .. } => None,
        };
        link_retry.max(device_retry).filter(|at| *at > now)
    }

    /// A unit's turn begins: at the first request of a poll, its tick; whether that was late.
    pub(crate) fn begin(&mut self, unit: usize, now: Instant) -> Option<(Tick, bool)> {
        let unit = &mut self.units[unit];
        if unit.began.is_some() {
            return None;
        }
        let due = unit.schedule.due();
        let tick = unit.schedule.begin(now)?;
        (unit.began, unit.cursor, unit.refused) = (Some(due), 0, false);
        Some((tick, unit.schedule.is_late(tick)))
    }

    /// A request of a poll was answered; `refused` if with a refusal. If it was the last one, what the poll means for the pace.
    pub(crate) fn answered(&mut self, unit: usize, refused: bool, now: Instant) -> Option<Paced> {
        self.used(now);
        let unit = &mut self.units[unit];
        unit.health.answered();
        unit.refused |= refused;
        unit.cursor += 1;
        if unit.cursor < unit.requests {
            return None;
        }
        unit.health.completed(unit.refused);
        // Waiting for the neighbours' requests is part of what makes the interval too short; waiting for its own last poll is not.
        let could_begin = unit.began.max(unit.completed);
        let paced = unit.pace.completed(could_begin.map_or(Duration::ZERO, |at| now.saturating_duration_since(at)));
        unit.completed = Some(now);
        if let Some(interval) = paced.changed {
            unit.schedule.set_period(interval);
        }
        (unit.began, unit.cursor) = (None, 0);
        Some(paced)
    }

    /// The turn of a unit of which nothing is read, on an open connection: that counts as a poll, but nothing came over the connection.
    pub(crate) fn greeted(&mut self, unit: usize) {
        let unit = &mut self.units[unit];
        unit.health.completed(false);
        (unit.began, unit.cursor) = (None, 0);
    }

    /// A command was answered: a silent unit is worth a poll at once.
    pub(crate) fn command_answered(&mut self, unit: usize, now: Instant) {
        self.used(now);
        let unit = &mut self.units[unit];
        if unit.health.is_failing() {
            unit.health.answered();
            unit.schedule.hold_until(now);
        }
    }

    /// A unit did not answer: its poll ends and it steps back. `started` is when the request was sent.
    pub(crate) fn failed(&mut self, unit: usize, started: Instant, now: Instant, jitter: f64) {
        let retry_at = self.units[unit].health.failed(now, jitter);
        self.units[unit].schedule.hold_until(retry_at);
        (self.units[unit].began, self.units[unit].cursor) = (None, 0);
        self.used(now);
        self.try_not_before = now + now.saturating_duration_since(started) * REST_AFTER_TRY;
    }

    /// The connection was opened. Polls under way begin anew, because plans may have been made anew.
    pub(crate) fn connected(&mut self, now: Instant) {
        self.link = Link::Up { used_at: now };
        self.link_health.completed(false);
        for unit in &mut self.units {
            unit.cursor = 0;
        }
    }

    /// The connection could not be opened: nobody is polled before the next attempt.
    pub(crate) fn connect_failed(&mut self, now: Instant, jitter: f64) {
        let retry_at = self.link_health.failed(now, jitter);
        self.link = Link::Down { retry_at };
        for unit in &mut self.units {
            unit.health.failed(now, jitter);
            unit.schedule.hold_until(retry_at);
            (unit.began, unit.cursor) = (None, 0);
        }
    }

    /// The connection is gone; it may be opened again at once.
    pub(crate) const fn link_lost(&mut self, now: Instant) {
        self.link = Link::Down { retry_at: now };
    }

    /// The number of requests of a unit's plan changed; those before the one whose turn it is are as they were.
    pub(crate) fn replanned(&mut self, unit: usize, requests: usize) {
        self.units[unit].requests = requests;
    }

    /// The health of a unit.
    pub(crate) fn health(&self, unit: usize) -> HealthState {
        self.units[unit].health.state()
    }

    /// The interval that a unit's polls have.
    pub(crate) fn interval(&self, unit: usize) -> Duration {
        self.units[unit].pace.interval()
    }

    /// The health of the connection.
    pub(crate) const fn link_health(&self) -> HealthState {
        self.link_health.state()
    }

    /// Since when the unit may have the bus; in the future if it has to wait.
    fn ready_at(&self, index: usize) -> Option<Instant> {
        let unit = &self.units[index];
        let wants = unit.wants_since()?;
        Some(if self.is_resting(index) { wants.max(self.try_not_before) } else { wants })
    }

    /// Whether the unit is silent while others answer, so that it has to leave them most of the time.
    fn is_resting(&self, unit: usize) -> bool {
        let others_answer = || self.units.iter().any(|other| !other.health.is_failing() && other.requests > 0);
        self.units[unit].health.is_failing() && others_answer()
    }

    const fn used(&mut self, now: Instant) {
        if let Link::Up { used_at } = &mut self.link {
            *used_at = now;
        }
    }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;
