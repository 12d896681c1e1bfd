//! How alarms are overridden by rules, and how an override ends: what lies beneath it shows again, and is told only where nobody could have
//! known.

use super::{Step, remark};
use crate::{Ack, Condition, Transition};
use labkeeper_model::Timestamp;

impl Step<'_> {
    pub(super) fn suppress(&mut self, suppressed: bool) {
        if self.alarm.overrides.rule == suppressed {
            return;
        }
        self.alarm.overrides.rule = suppressed;
        if suppressed {
            self.write(Transition::Suppressed, remark("its rule is true"));
        } else {
            self.unsuppressed("its rule is false");
        }
    }

    /// What is unreachable while its segment is taken over is no news, unless it was news before.
    pub(super) fn begin_takeover(&mut self, until: Timestamp) {
        let known = self.alarm.condition.is_active() || self.alarm.overrides.takeover_until.is_some();
        if !known && until > self.now {
            self.alarm.overrides.takeover_until = Some(until);
            self.write(Transition::Suppressed, remark("a takeover is under way"));
        }
    }

    pub(super) fn end_takeover(&mut self) {
        if self.alarm.overrides.takeover_until.take().is_some() {
            self.unsuppressed("the takeover is over");
        }
    }

    fn unsuppressed(&mut self, why: &str) {
        self.write(Transition::Unsuppressed, remark(why));
        self.begin_afresh();
    }

    /// After a suppression or a time out of service nobody knows of the condition: if it lasts, it begins afresh, as another occurrence.
    pub(super) fn begin_afresh(&mut self) {
        if self.alarm.overrides.any() {
            return;
        }
        match self.alarm.condition {
            Condition::OnDelay { severity, .. } | Condition::Active { severity, .. } if self.rules.on_delay.is_zero() => {
                self.raise(severity);
            }
            Condition::OnDelay { severity, .. } | Condition::Active { severity, .. } => {
                self.alarm.chatter.episode = None;
                self.alarm.condition = Condition::OnDelay { since: self.now, severity };
                self.forget_unseen();
            }
            Condition::OffDelay { .. } | Condition::Normal => self.forget_unseen(),
        }
    }

    /// A shelf that ends by itself: nobody has looked, so what lasts must be seen.
    pub(super) fn end_shelf_by_itself(&mut self) {
        if self.alarm.overrides.shelf.take().is_none() {
            return;
        }
        if self.alarm.condition.is_active() && !self.alarm.overrides.any() {
            self.alarm.ack = Ack::Unacked;
            self.announce(Transition::UnshelvedAuto, remark(""));
        } else {
            self.forget_unseen();
            self.write(Transition::UnshelvedAuto, remark(""));
        }
    }

    /// What came and went under an override is in the journal only.
    pub(super) fn forget_unseen(&mut self) {
        if !self.alarm.condition.is_active() && !self.alarm.latched && !self.alarm.overrides.any() && self.alarm.ack == Ack::Unacked {
            self.alarm.ack = self.acked(String::new());
        }
    }

    pub(super) fn acked(&self, by: String) -> Ack {
        Ack::Acked { at: self.now, by }
    }
}
