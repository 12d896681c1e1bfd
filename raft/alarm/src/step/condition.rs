//! What the field does to an alarm: its condition comes, changes and goes, and what it is derived from can be trusted or not.

use super::{Step, remark};
use crate::{Ack, By, Condition, Quality, Transition, Word};
use labkeeper_model::Value;
use labkeeper_model::site::Priority;
use std::time::Duration;

/// A condition that lasted for less than this was fleeting: nobody could have looked.
const FLEETING: Duration = Duration::from_secs(2);

impl Step<'_> {
    pub(super) fn hear(&mut self, word: Word) {
        match word {
            Word::Active { severity, value } => {
                self.trust(value);
                self.begin(severity);
            }
            Word::Clear { value } => {
                self.trust(value);
                self.end();
            }
            Word::Bad { cause } => self.distrust(cause),
            Word::Good => self.trust(None),
            Word::Suppressed(suppressed) => self.suppress(suppressed),
            Word::Chattering { cycles, active, severity, value } => {
                self.trust(value);
                self.chatter(cycles, active, severity);
            }
        }
    }

    /// A reading that can be trusted. A delay begins anew, as nobody knows what was meanwhile.
    fn trust(&mut self, value: Option<Value>) {
        self.alarm.value = value.or(self.alarm.value.take());
        if self.alarm.quality == Quality::Good {
            return;
        }
        self.alarm.quality = Quality::Good;
        match &mut self.alarm.condition {
            Condition::OnDelay { since, .. } | Condition::OffDelay { since, .. } => *since = self.now,
            Condition::Normal | Condition::Active { .. } => {}
        }
        self.write(Transition::Quality, remark("good"));
    }

    /// The condition is held as it is: no news is neither good news nor bad.
    fn distrust(&mut self, cause: String) {
        if self.alarm.quality == Quality::Good {
            self.alarm.quality = Quality::Bad { cause: cause.clone(), since: self.now };
            self.write(Transition::Quality, remark(cause));
        }
    }

    fn begin(&mut self, severity: u8) {
        if let Some(episode) = &mut self.alarm.chatter.episode {
            (episode.active, episode.severity) = (true, severity);
            return self.escalate(severity);
        }
        match self.alarm.condition {
            Condition::Normal if self.may_raise_at_once() => self.raise(severity),
            Condition::Normal => self.alarm.condition = Condition::OnDelay { since: self.now, severity },
            Condition::OnDelay { since, .. } => self.alarm.condition = Condition::OnDelay { since, severity },
            Condition::Active { since, .. } => {
                self.alarm.condition = Condition::Active { since, severity };
                self.escalate(severity);
            }
            Condition::OffDelay { .. } => {
                self.alarm.condition = Condition::Active { since: self.now, severity };
                self.alarm.chatter.total = self.alarm.chatter.total.saturating_add(1);
                self.escalate(severity);
            }
        }
    }

    fn may_raise_at_once(&self) -> bool {
        self.rules.on_delay.is_zero() && self.alarm.overrides.takeover_until.is_none()
    }

    fn end(&mut self) {
        let now = self.now;
        if let Some(episode) = self.alarm.chatter.episode.as_mut() {
            if std::mem::replace(&mut episode.active, false) {
                episode.count(1, now);
                self.alarm.chatter.total = self.alarm.chatter.total.saturating_add(1);
            }
            return;
        }
        match self.alarm.condition {
            Condition::Normal | Condition::OffDelay { .. } => {}
            Condition::OnDelay { .. } => {
                self.alarm.condition = Condition::Normal;
                self.alarm.chatter.fleeting = self.alarm.chatter.fleeting.saturating_add(1);
            }
            Condition::Active { .. } if self.rules.off_delay.is_zero() => self.clear(),
            Condition::Active { severity, .. } => self.alarm.condition = Condition::OffDelay { since: now, severity },
        }
    }

    /// Begins an occurrence. One that follows another within a minute, which nobody has acknowledged, is the same news.
    pub(super) fn raise(&mut self, severity: u8) {
        let told = self.alarm.ack == Ack::Unacked && self.alarm.chatter.is_recent(self.now);
        // Saturates after 2^64 occurrences: half a million years at one per microsecond.
        self.alarm.occurrence = self.alarm.occurrence.saturating_add(1);
        self.alarm.condition = Condition::Active { since: self.now, severity };
        self.alarm.raised = self.now;
        self.alarm.max_severity = severity;
        self.alarm.ack = if self.rules.priority == Priority::Diagnostic { self.acked(String::new()) } else { Ack::Unacked };
        if told { self.write(Transition::Raised, By::default()) } else { self.announce(Transition::Raised, By::default()) }
    }

    /// A condition that is more severe than before in this occurrence must be seen again.
    fn escalate(&mut self, severity: u8) {
        if self.alarm.max_severity < severity && self.alarm.condition.is_active() {
            self.alarm.max_severity = severity;
            if self.rules.priority != Priority::Diagnostic {
                self.alarm.ack = Ack::Unacked;
            }
            self.announce(Transition::Escalated, By::default());
        }
    }

    /// Ends the condition, unless it comes and goes too often for that.
    pub(super) fn clear(&mut self) {
        let (Condition::Active { severity, .. } | Condition::OffDelay { severity, .. }) = self.alarm.condition else { return };
        if self.alarm.chatter.cycle(self.now) {
            self.alarm.condition = Condition::Active { since: self.alarm.raised, severity };
            self.alarm.chatter.begin(self.now, 1, false, severity);
            return;
        }
        self.return_to_normal();
    }

    pub(super) fn return_to_normal(&mut self) {
        if self.now.saturating_since(self.alarm.raised) < FLEETING {
            self.alarm.chatter.fleeting = self.alarm.chatter.fleeting.saturating_add(1);
        }
        self.alarm.condition = Condition::Normal;
        self.alarm.latched |= self.rules.latching;
        self.write(if self.rules.latching { Transition::ClearedLatched } else { Transition::Cleared }, By::default());
        if self.alarm.overrides.shelf.as_ref().is_some_and(|shelf| shelf.one_shot) {
            self.end_shelf_by_itself();
        }
    }

    /// The owner counts what it does not report. Without an occurrence there is nothing to prolong: with an on-delay, a condition that comes
    /// and goes has not lasted; without one, it has occurred.
    fn chatter(&mut self, cycles: u32, active: bool, severity: u8) {
        let now = self.now;
        self.alarm.chatter.total = self.alarm.chatter.total.saturating_add(cycles.into());
        if let Some(episode) = self.alarm.chatter.episode.as_mut() {
            episode.count(cycles, now);
            episode.active = active;
            if active {
                episode.severity = severity;
            }
            return self.escalate(severity);
        }
        match self.alarm.condition {
            Condition::Normal | Condition::OnDelay { .. } if !self.may_raise_at_once() => {
                self.alarm.condition = Condition::Normal;
                self.alarm.chatter.fleeting = self.alarm.chatter.fleeting.saturating_add(cycles.into());
                return;
            }
            Condition::Normal | Condition::OnDelay { .. } => self.raise(severity),
            Condition::Active { .. } | Condition::OffDelay { .. } => self.escalate(severity),
        }
        self.alarm.condition = Condition::Active { since: self.alarm.raised, severity };
        self.alarm.chatter.begin(now, cycles, active, severity);
    }
}
