//! What people do about interlocks: resetting a latch, defeating one for a time, and putting it back in force.

use super::report::latch;
use super::{DEFEAT_MAX, Defeat, InterlockState, Verdict, Word};
use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{self, ACTOR_LEN_MAX, REASON_LEN_MAX, check_len};
use labkeeper_model::{ErrorCode, Name, Timestamp};

impl Machine {
    pub(super) fn reset_interlock(
        &mut self,
        interlock: &Name,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.check_deed(interlock, actor, reason)?;
        let standing = self.interlock(interlock.as_str());
        if let Some(standing) = standing.filter(|standing| matches!(standing.word(), Word::Tripped | Word::Unknown)) {
            let message = format!("{interlock} cannot be reset: {}", standing.requirement_in_words());
            return Err(Rejection::new(ErrorCode::ResetWhileTripped, message));
        }
        // What is not latched needs no reset: the same wish twice is one.
        let Some(state) = self.interlocks.states.get_mut(interlock).filter(|state| state.latched) else { return Ok(Reply::Done) };
        state.latched = false;
        let detail = format!("reset; it had tripped: {}", std::mem::take(&mut state.latched_by));
        self.note(Deed { actor, action: "interlock", target: interlock.as_str(), detail, reason });
        self.interlock_changed(interlock, effects);
        Ok(Reply::Done)
    }

    pub(super) fn defeat_interlock(
        &mut self,
        interlock: &Name,
        until: Timestamp,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.check_deed(interlock, actor, reason)?;
        if actor.is_empty() || reason.is_empty() {
            return Err(Rejection::new(ErrorCode::BadRequest, "an interlock is defeated by somebody, for a reason: one of them is empty"));
        }
        if until <= self.time || until > self.time.saturating_add(DEFEAT_MAX) {
            let hours = DEFEAT_MAX.as_secs() / 3_600;
            let message = format!("{interlock} is defeated until a time that is ahead, by {hours} hours at most");
            return Err(Rejection::new(ErrorCode::BadDefeatTime, message));
        }
        let known = self.interlocks.states.get(interlock).and_then(|state| state.defeat.as_ref());
        let since = known.map_or(self.time, |known| known.since);
        let defeat = Defeat { since, until, by: actor.to_owned(), reason: reason.to_owned() };
        if known == Some(&defeat) {
            return Ok(Reply::Done);
        }
        self.interlocks.states.entry(interlock.clone()).or_default().defeat = Some(defeat);
        let detail = format!("defeated until {}", text::time_of_day(until));
        self.note(Deed { actor, action: "interlock", target: interlock.as_str(), detail, reason });
        self.interlock_changed(interlock, effects);
        Ok(Reply::Done)
    }

    pub(super) fn end_defeat(
        &mut self,
        interlock: &Name,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.check_deed(interlock, actor, reason)?;
        if self.restore_interlock(interlock) {
            let detail = "in force again".to_owned();
            self.note(Deed { actor, action: "interlock", target: interlock.as_str(), detail, reason });
            self.interlock_changed(interlock, effects);
        }
        Ok(Reply::Done)
    }

    /// Ends the defeats whose time has come.
    pub(crate) fn fire_interlocks_timers(&mut self, effects: &mut Vec<Effect>) {
        let is_over = |state: &InterlockState| state.defeat.as_ref().is_some_and(|defeat| defeat.until <= self.time);
        let over = self.interlocks.states.iter().filter(|(_, state)| is_over(state));
        for interlock in over.map(|(interlock, _)| interlock.clone()).collect::<Vec<_>>() {
            self.restore_interlock(&interlock);
            let detail = "in force again: the time of its defeat is over".to_owned();
            self.note(Deed { actor: SELF, action: "interlock", target: interlock.as_str(), detail, reason: "" });
            self.interlock_changed(&interlock, effects);
        }
    }

    /// Puts an interlock back in force, which latches it if it has tripped meanwhile. Whether it was out of force.
    fn restore_interlock(&mut self, interlock: &Name) -> bool {
        let stage = self.site.interlocks.get(interlock).map_or_else(Default::default, |spec| spec.stage);
        let Some(state) = self.interlocks.states.get_mut(interlock) else { return false };
        if state.defeat.take().is_none() {
            return false;
        }
        if let Some(Verdict::Tripped { why }) = state.verdict.clone() {
            latch(state, stage, &why);
        }
        true
    }

    fn check_deed(&self, interlock: &Name, actor: &str, reason: &str) -> Result<(), Rejection> {
        check_len("the actor", actor, ACTOR_LEN_MAX)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        if self.site.interlocks.contains_key(interlock) {
            return Ok(());
        }
        Err(Rejection::new(ErrorCode::UnknownInterlock, format!("the site has no interlock {interlock}")))
    }
}
