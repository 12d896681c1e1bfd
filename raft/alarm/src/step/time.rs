//! What time does to an alarm: everything that waits for it is a deadline that follows from the alarm's facts.

use super::{Step, remark};
use crate::{Ack, Alarm, By, Condition, Quality, Rules, Transition};
use labkeeper_model::Timestamp;

/// What waits for time to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Takeover,
    OnDelay,
    OffDelay,
    ShelfEnds,
    ReAlarm,
    ChatterRow,
    ChatterEnds,
}

impl Alarm {
    /// What waits, and until when.
    pub(crate) fn timers(&self, rules: &Rules) -> impl Iterator<Item = (Timestamp, Timer)> {
        let trusted = self.quality == Quality::Good;
        let shown_active = matches!(self.condition, Condition::Active { .. }) && !self.overrides.any();
        let delay = match self.condition {
            Condition::OnDelay { since, .. } if trusted && self.overrides.takeover_until.is_none() => {
                Some((since.saturating_add(rules.on_delay), Timer::OnDelay))
            }
            Condition::OffDelay { since, .. } if trusted => Some((since.saturating_add(rules.off_delay), Timer::OffDelay)),
            _ => None,
        };
        let re_alarm = match (&self.ack, rules.re_alarm) {
            (Ack::Acked { at, by }, Some(after)) if shown_active && !by.is_empty() => Some((at.saturating_add(after), Timer::ReAlarm)),
            _ => None,
        };
        let episode = self.chatter.episode;
        [
            self.overrides.takeover_until.map(|until| (until, Timer::Takeover)),
            delay,
            self.overrides.shelf.as_ref().map(|shelf| (shelf.until, Timer::ShelfEnds)),
            re_alarm,
            episode.and_then(|episode| episode.row_due()).map(|at| (at, Timer::ChatterRow)),
            episode.map(|episode| (episode.calm_at(), Timer::ChatterEnds)),
        ]
        .into_iter()
        .flatten()
    }
}

impl Step<'_> {
    /// Does what is due by a time, the earliest first. Each kind is done at most once, as what follows waits for time to pass again; with
    /// delays of zero a second one may follow at once, so twice the number of kinds is more than can be.
    pub(super) fn due_by(&mut self, time: Timestamp) {
        for _ in 0..14 {
            let due = self.alarm.timers(self.rules).filter(|(at, _)| *at <= time).min();
            match due {
                Some((_, timer)) => self.fire(timer),
                None => return,
            }
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Takeover => self.end_takeover(),
            Timer::OnDelay => {
                if let Condition::OnDelay { severity, .. } = self.alarm.condition {
                    self.raise(severity);
                }
            }
            Timer::OffDelay => self.clear(),
            Timer::ShelfEnds => self.end_shelf_by_itself(),
            Timer::ReAlarm => {
                self.alarm.ack = Ack::Unacked;
                self.announce(Transition::ReAlarm, By::default());
            }
            Timer::ChatterRow => self.count_chatter(),
            Timer::ChatterEnds => self.calm_down(),
        }
    }

    fn count_chatter(&mut self) {
        let Some(episode) = self.alarm.chatter.episode.as_mut() else { return };
        let cycles = std::mem::take(&mut episode.cycles);
        episode.rows = episode.rows.saturating_add(1);
        self.write(Transition::Chattering, remark(format!("{cycles} times")));
    }

    /// The episode is over, and the alarm is what its owner said last.
    fn calm_down(&mut self) {
        let Some(episode) = self.alarm.chatter.episode.take() else { return };
        if episode.cycles > 0 {
            self.write(Transition::Chattering, remark(format!("{} times, then calm", episode.cycles)));
        }
        if !episode.active {
            self.return_to_normal();
        }
    }
}
