//! Having control: taking, renewing and giving it back, and its end when nobody renews it.

use super::{CLIENT_LEN_MAX, Control, HOLD_MAX, HOLD_MIN, Loss, Lost};
use crate::Machine;
use crate::audit::{Deed, SELF};
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{self, ACTOR_LEN_MAX, REASON_LEN_MAX, check_len};
use labkeeper_model::{ErrorCode, Scope};
use std::time::Duration;

/// What somebody who takes control says.
pub(super) struct Wish {
    pub(super) actor: String,
    pub(super) client: String,
    pub(super) reason: String,
    pub(super) hold: Duration,
}

impl Machine {
    pub(super) fn take_control(&mut self, scope: Scope, wish: Wish, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_actor(&wish.actor)?;
        check_len("the client", &wish.client, CLIENT_LEN_MAX)?;
        check_len("the reason", &wish.reason, REASON_LEN_MAX)?;
        if !(HOLD_MIN..=HOLD_MAX).contains(&wish.hold) {
            let [given, min, max] = [wish.hold, HOLD_MIN, HOLD_MAX].map(text::duration);
            return Err(Rejection::new(
                ErrorCode::BadControlTime,
                format!("control is taken for {min} to {max} at a time, not for {given}"),
            ));
        }
        self.check_scope(&scope)?;
        let rivals = self.rivals(&scope, &wish.actor);
        if let Some((rival, control)) = rivals.iter().find_map(|rival| {
            let control = self.authority.held.get(rival)?;
            (!control.yields(self.time)).then_some((rival, control))
        }) {
            return Err(Rejection::new(ErrorCode::ControlTaken, held_in_words(rival, control)));
        }
        // What is over has been lost, though this entry came before the one that says so.
        self.fire_authority_timers(effects);
        for rival in &rivals {
            self.end_control(rival, Lost::Taken { by: wish.actor.clone() }, effects);
        }
        self.begin_control(scope, wish, effects);
        Ok(Reply::Done)
    }

    fn begin_control(&mut self, scope: Scope, wish: Wish, effects: &mut Vec<Effect>) {
        let present = self.authority.held.get(&scope);
        let same_holder = present.filter(|control| control.lasts(self.time) && control.holder == wish.actor);
        let is_repeat =
            same_holder.is_some_and(|control| (&control.client, &control.reason, control.hold) == (&wish.client, &wish.reason, wish.hold));
        let (since, asked) = same_holder.map_or((self.time, None), |control| (control.since, control.asked.clone()));
        let until = self.time.saturating_add(wish.hold);
        if !is_repeat {
            let through = if wish.client.is_empty() { String::new() } else { format!(" through {}", wish.client) };
            let detail = format!("taken{through} for {} at a time", text::duration(wish.hold));
            self.note(Deed { actor: &wish.actor, action: "control", target: &scope.to_string(), detail, reason: &wish.reason });
        }
        let control = Control { holder: wish.actor, client: wish.client, reason: wish.reason, since, hold: wish.hold, until, asked };
        self.authority.held.insert(scope.clone(), control);
        effects.push(Effect::ControlChanged { scope });
    }

    pub(super) fn renew_control(
        &mut self,
        scope: &Scope,
        actor: &str,
        client: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        self.check_scope(scope)?;
        let now = self.time;
        let held = self.authority.held.get_mut(scope);
        let own = held.filter(|control| control.lasts(now) && control.holder == actor && control.client == client);
        let Some(control) = own else { return Err(self.not_held(scope, actor)) };
        control.until = now.saturating_add(control.hold);
        effects.push(Effect::ControlChanged { scope: scope.clone() });
        Ok(Reply::Done)
    }

    /// What nobody has is not there to be given back; the same wish twice is one.
    pub(super) fn give_control(&mut self, scope: &Scope, actor: &str, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        check_actor(actor)?;
        self.check_scope(scope)?;
        let Some(control) = self.authority.held.get(scope).filter(|control| control.lasts(self.time)) else { return Ok(Reply::Done) };
        if control.holder != actor {
            return Err(self.not_held(scope, actor));
        }
        self.authority.held.remove(scope);
        self.note(Deed { actor, action: "control", target: &scope.to_string(), detail: "given back".to_owned(), reason: "" });
        effects.push(Effect::ControlChanged { scope: scope.clone() });
        Ok(Reply::Done)
    }

    /// Ends what was not renewed in time.
    pub(crate) fn fire_authority_timers(&mut self, effects: &mut Vec<Effect>) {
        let over = self.authority.held.iter().filter(|(_, control)| !control.lasts(self.time));
        for scope in over.map(|(scope, _)| scope.clone()).collect::<Vec<_>>() {
            self.end_control(&scope, Lost::Expired, effects);
        }
    }

    /// Takes control from its holder, who is told how when it asks next.
    pub(super) fn end_control(&mut self, scope: &Scope, how: Lost, effects: &mut Vec<Effect>) {
        let Some(control) = self.authority.held.remove(scope) else { return };
        let (actor, what, reason) = match &how {
            Lost::Expired => (SELF, "did not renew it in time", ""),
            Lost::Taken { by } => (by.as_str(), "lost it after it had been asked for", ""),
            Lost::Broken { by, reason } => (by.as_str(), "lost it, as it was broken", reason.as_str()),
        };
        let detail = format!("{} {what}", control.holder);
        self.note(Deed { actor, action: "control", target: &scope.to_string(), detail, reason });
        let loss = Loss { holder: control.holder, client: control.client, at: self.time, how };
        self.authority.lost.insert(scope.clone(), loss);
        effects.push(Effect::ControlChanged { scope: scope.clone() });
    }

    /// Forgets control of what the site does not have any more.
    pub(crate) fn review_controls(&mut self, effects: &mut Vec<Effect>) {
        let gone = self.authority.held.keys().filter(|scope| !scope.is_declared(&self.site));
        for scope in gone.cloned().collect::<Vec<_>>() {
            self.authority.held.remove(&scope);
            let detail = "ended: it was removed from the site".to_owned();
            self.note(Deed { actor: SELF, action: "control", target: &scope.to_string(), detail, reason: "" });
            effects.push(Effect::ControlChanged { scope });
        }
        let site = &self.site;
        self.authority.lost.retain(|scope, _| scope.is_declared(site));
    }

    pub(super) fn check_scope(&self, scope: &Scope) -> Result<(), Rejection> {
        let missing = || Rejection::new(ErrorCode::UnknownScope, format!("the site has no {} {}", scope.kind(), scope.name()));
        if scope.is_declared(&self.site) { Ok(()) } else { Err(missing()) }
    }

    /// Why somebody does not have control: who has it, or how it was lost.
    fn not_held(&self, scope: &Scope, actor: &str) -> Rejection {
        let present = self.authority.held.get(scope).filter(|control| control.lasts(self.time));
        let loss = self.authority.lost.get(scope).filter(|loss| loss.holder == actor).map(|loss| format!("it {}", loss.how.in_words()));
        let message = match (present, loss) {
            (Some(control), _) if control.holder == actor => format!("{actor} has control of {scope} through {:?}", control.client),
            (Some(control), None) => held_in_words(scope, control),
            (Some(control), Some(loss)) => format!("{}; {actor} lost it: {loss}", held_in_words(scope, control)),
            (None, Some(loss)) => format!("nobody has control of {scope}: {loss}"),
            (None, None) => format!("nobody has control of {scope}"),
        };
        Rejection::new(ErrorCode::ControlNotHeld, message)
    }
}

/// Who has control, until when and why.
pub(super) fn held_in_words(scope: &Scope, control: &Control) -> String {
    let why = if control.reason.is_empty() { String::new() } else { format!(", because: {}", control.reason) };
    format!("{} has control of {scope} until {}{why}", control.holder, text::time_of_day(control.until))
}

/// Control without a name would be everybody's.
pub(super) fn check_actor(actor: &str) -> Result<(), Rejection> {
    check_len("the actor", actor, ACTOR_LEN_MAX)?;
    if actor.is_empty() {
        return Err(Rejection::new(ErrorCode::BadRequest, "control is had by somebody: the actor is empty"));
    }
    Ok(())
}
