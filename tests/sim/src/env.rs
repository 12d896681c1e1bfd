//! What every part of the world shares: the time, the agenda, chance, the trace, and the facts that the invariants are told.

use crate::clock::SimTime;
use crate::dice::Dice;
use crate::event::{Due, Event};
use crate::fact::Fact;
use crate::setting::Setting;
use crate::trace::Trace;
use std::collections::BinaryHeap;
use std::fmt::Display;
use std::time::Duration;

/// The shared part of a world.
#[derive(Debug)]
pub struct Env {
    /// True time.
    pub now: SimTime,
    /// The world's constants.
    pub setting: Setting,
    /// Chance.
    pub dice: Dice,
    /// What happened since the invariants were told last.
    pub facts: Vec<Fact>,
    /// How often things happened, to see that a world has seen something.
    pub counts: Counts,
    trace: Trace,
    agenda: BinaryHeap<Due>,
    ordinal: u64,
    last_ticket: u64,
}

/// How often things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries committed.
    pub entries: u64,
    /// Segments granted to another node than before.
    pub takeovers: u64,
    /// Sessions that were ended for lack of renewals.
    pub expiries: u64,
    /// Writes that took effect.
    pub writes: u64,
    /// Setpoints acknowledged to clients.
    pub acknowledged: u64,
    /// Leaders elected.
    pub elections: u64,
    /// Processes killed or stopped.
    pub deaths: u64,
    /// Processes frozen.
    pub freezes: u64,
    /// Leases that ran out on their holder.
    pub fences: u64,
    /// Writes that a device's fence refused.
    pub refused: u64,
    /// Reports about commands that came with a stale epoch.
    pub stale_reports: u64,
    /// Setpoints that a policy wrote after a takeover.
    pub policy_writes: u64,
}

impl Counts {
    /// Adds another world's.
    pub fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.takeovers += other.takeovers;
        self.expiries += other.expiries;
        self.writes += other.writes;
        self.acknowledged += other.acknowledged;
        self.elections += other.elections;
        self.deaths += other.deaths;
        self.freezes += other.freezes;
        self.fences += other.fences;
        self.refused += other.refused;
        self.stale_reports += other.stale_reports;
        self.policy_writes += other.policy_writes;
    }
}

impl Env {
    pub(crate) fn new(setting: Setting, dice: Dice, trace: Trace) -> Self {
        let agenda = BinaryHeap::with_capacity(1_024);
        let now = SimTime::default();
        Self { now, setting, dice, facts: vec![], counts: Counts::default(), trace, agenda, ordinal: 0, last_ticket: 0 }
    }

    /// Puts an event on the agenda, `after` this moment.
    pub fn after(&mut self, after: Duration, event: Event) {
        self.at(self.now.after(after), event);
    }

    /// Puts an event on the agenda; one in the past is due at once.
    pub fn at(&mut self, at: SimTime, event: Event) {
        self.ordinal += 1;
        self.agenda.push(Due { at: at.max(self.now), ordinal: self.ordinal, event });
    }

    /// Goes on to the next event; `None` if the world ends before it.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let due = self.agenda.pop().filter(|due| due.at <= self.setting.end)?;
        self.now = due.at;
        Some(due.event)
    }

    /// A number that no proposal or attempt has had.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }

    /// Whether the faults are over.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.now >= self.setting.calm_from
    }

    /// Notes something in the trace.
    pub fn say<T: Display>(&mut self, what: impl FnOnce() -> T) {
        self.trace.say(self.now, what);
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }
}
