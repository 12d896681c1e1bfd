//! Wanting control that another has: asking for it, and breaking it.

use super::hold::check_actor;
use super::{Asked, Lost};
use crate::Machine;
use crate::audit::Deed;
use crate::reply::{Effect, Rejection, Reply};
use crate::text::{self, REASON_LEN_MAX, check_len};
use labkeeper_model::{ErrorCode, Scope};

impl Machine {
    /// Control of others that lasts, and that shares a device with a scope.
    pub(super) fn rivals(&self, scope: &Scope, actor: &str) -> Vec<Scope> {
        let held = self.authority.held.iter();
        let others = held.filter(|(_, control)| control.lasts(self.time) && control.holder != actor);
        others.filter(|(rival, _)| rival.overlaps(scope, &self.site)).map(|(rival, _)| rival.clone()).collect()
    }

    /// Whoever has control is shown who wants it. The first to ask starts the time of grace; more of them do not shorten it.
    pub(super) fn ask_for_control(
        &mut self,
        scope: &Scope,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        check_actor(actor)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        self.check_scope(scope)?;
        for rival in self.rivals(scope, actor) {
            let now = self.time;
            let Some(control) = self.authority.held.get_mut(&rival).filter(|control| control.asked.is_none()) else { continue };
            control.asked = Some(Asked { actor: actor.to_owned(), reason: reason.to_owned(), at: now });
            let yields = control.yields_at().map_or_else(String::new, text::time_of_day);
            let detail = format!("asked {} for it; it may be taken from {yields}", control.holder);
            self.note(Deed { actor, action: "control", target: &rival.to_string(), detail, reason });
            effects.push(Effect::ControlChanged { scope: rival });
        }
        Ok(Reply::Done)
    }

    pub(super) fn break_control(
        &mut self,
        scope: &Scope,
        actor: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<Reply, Rejection> {
        check_actor(actor)?;
        check_len("the reason", reason, REASON_LEN_MAX)?;
        if reason.is_empty() {
            return Err(Rejection::new(ErrorCode::BadRequest, "whoever loses control is told why: the reason is empty"));
        }
        self.check_scope(scope)?;
        for rival in self.rivals(scope, actor) {
            self.end_control(&rival, Lost::Broken { by: actor.to_owned(), reason: reason.to_owned() }, effects);
        }
        Ok(Reply::Done)
    }
}
