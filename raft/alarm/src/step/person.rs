//! What people do about an alarm. A wish that is fulfilled already is no error and no news.

use super::Step;
use crate::overrides::SECOND_PERSON_WITHIN;
use crate::{Ack, By, COMMENTS_MAX, Comment, Condition, OutOfService, Refusal, Shelf, Transition};
use labkeeper_model::Timestamp;

impl Step<'_> {
    pub(super) fn acknowledge(&mut self, occurrence: u64, by: By) -> Result<(), Refusal> {
        if occurrence != self.alarm.occurrence || occurrence == 0 {
            return Err(Refusal::StaleOccurrence { present: self.alarm.occurrence });
        }
        if self.alarm.ack != Ack::Unacked {
            return Ok(());
        }
        if self.rules.needs_comment && by.text.trim().is_empty() {
            return Err(Refusal::CommentNeeded);
        }
        self.alarm.ack = self.acked(by.actor.clone());
        self.remember(&by);
        self.write(Transition::Ack, by);
        if self.rules.clears_on_ack && self.alarm.condition.is_active() {
            self.alarm.chatter.episode = None;
            self.return_to_normal();
        }
        Ok(())
    }

    pub(super) fn shelve(&mut self, until: Option<Timestamp>, by: By) -> Result<(), Refusal> {
        let latest = self.now.saturating_add(self.rules.max_shelve);
        let shelf = Shelf { until: until.unwrap_or(latest), one_shot: until.is_none(), by: by.actor.clone(), reason: by.text.clone() };
        if !self.rules.shelvable {
            return Err(Refusal::NotShelvable);
        }
        if self.alarm.overrides.out_of_service.is_some() || self.alarm.overrides.is_suppressed() {
            return Err(Refusal::Overridden { state: self.alarm.state() });
        }
        needs_reason(&by)?;
        if shelf.until <= self.now || shelf.until > latest {
            return Err(Refusal::ShelfTooLong { max: self.rules.max_shelve });
        }
        if self.alarm.overrides.shelf.as_ref() != Some(&shelf) {
            self.alarm.overrides.shelf = Some(shelf);
            self.write(Transition::Shelved, by);
        }
        Ok(())
    }

    /// Whoever takes an alarm from the shelf has seen it.
    pub(super) fn unshelve(&mut self, by: By) {
        if self.alarm.overrides.shelf.take().is_none() {
            return;
        }
        // A latch that nobody has acknowledged is not reset by the way.
        let still_latched = self.alarm.latched && !self.alarm.condition.is_active();
        if self.alarm.ack == Ack::Unacked && !still_latched {
            self.alarm.ack = self.acked(by.actor.clone());
        }
        self.write(Transition::Unshelved, by);
    }

    pub(super) fn take_out_of_service(&mut self, by: By) -> Result<(), Refusal> {
        needs_reason(&by)?;
        if self.alarm.overrides.out_of_service.is_some() {
            return Ok(());
        }
        let asked = OutOfService { since: self.now, by: by.actor.clone(), reason: by.text.clone() };
        let open = |earlier: &OutOfService| self.now.saturating_since(earlier.since) < SECOND_PERSON_WITHIN;
        let earlier = self.alarm.overrides.proposal.clone().filter(open);
        match earlier {
            Some(earlier) if self.rules.two_people && earlier.by == asked.by => return Err(Refusal::SecondPersonNeeded),
            None if self.rules.two_people => {
                self.alarm.overrides.proposal = Some(asked);
                self.write(Transition::OutOfServiceAsked, by);
            }
            _ => {
                self.alarm.overrides.proposal = None;
                self.alarm.overrides.out_of_service = Some(asked);
                self.write(Transition::OutOfService, by);
            }
        }
        Ok(())
    }

    pub(super) fn return_to_service(&mut self, by: By) {
        self.alarm.overrides.proposal = None;
        if self.alarm.overrides.out_of_service.take().is_some() {
            self.write(Transition::ReturnedToService, by);
            self.begin_afresh();
        }
    }

    pub(super) fn reset(&mut self, by: By) -> Result<(), Refusal> {
        if self.alarm.condition != Condition::Normal {
            return Err(Refusal::ResetWhileActive);
        }
        if !self.alarm.latched {
            return Ok(());
        }
        if self.alarm.ack == Ack::Unacked {
            return Err(Refusal::ResetUnacknowledged);
        }
        self.alarm.latched = false;
        self.write(Transition::Reset, by);
        Ok(())
    }

    pub(super) fn comment(&mut self, by: By) -> Result<(), Refusal> {
        if by.text.trim().is_empty() {
            return Err(Refusal::ReasonNeeded);
        }
        // A client that does not know whether its remark was taken says it again.
        let last = self.alarm.comments.last();
        let again = last.is_some_and(|last| last.by == by.actor && last.text == by.text && last.occurrence == self.alarm.occurrence);
        if !again {
            self.remember(&by);
            self.write(Transition::Comment, by);
        }
        Ok(())
    }

    fn remember(&mut self, by: &By) {
        if by.text.is_empty() {
            return;
        }
        let comment = Comment { time: self.now, occurrence: self.alarm.occurrence, by: by.actor.clone(), text: by.text.clone() };
        self.alarm.comments.push(comment);
        let surplus = self.alarm.comments.len().saturating_sub(COMMENTS_MAX);
        self.alarm.comments.drain(..surplus);
    }
}

fn needs_reason(by: &By) -> Result<(), Refusal> {
    if by.text.trim().is_empty() { Err(Refusal::ReasonNeeded) } else { Ok(()) }
}
