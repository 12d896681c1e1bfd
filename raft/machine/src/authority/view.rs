//! Reading who has control, and whether somebody may write to a tag.

use super::hold::held_in_words;
use super::{Control, Loss};
use crate::Machine;
use labkeeper_model::site::DeviceSpec;
use labkeeper_model::{ErrorCode, Scope, TagPath, Value};

impl Machine {
    /// Control that lasts at the machine's time, by scope.
    pub fn controls(&self) -> impl Iterator<Item = (&Scope, &Control)> {
        self.authority.held.iter().filter(|(_, control)| control.lasts(self.time))
    }

    /// How control of each scope was lost last, if it was not given back.
    pub fn control_losses(&self) -> impl Iterator<Item = (&Scope, &Loss)> {
        self.authority.lost.iter()
    }

    /// Who has control of a device: of those whose scopes cover it (one, unless the declaration changed meanwhile), the first.
    #[must_use]
    pub fn control_of(&self, device: &str) -> Option<(&Scope, &Control)> {
        let covering = self.controls().filter(|(scope, _)| scope.covers(&self.site, device));
        covering.min_by_key(|(_, control)| control.since)
    }

    /// Whether this actor may write a value that the tag accepted, as far as control goes. The safe value always may be written.
    ///
    /// # Errors
    /// Code and message, if another has taken control or nobody has where somebody must.
    pub(crate) fn check_authority(&self, tag: &TagPath, value: &Value, actor: &str) -> Result<(), (ErrorCode, String)> {
        let Some((device, spec)) = self.site.tag(tag) else { return Ok(()) };
        if spec.is_safe(value) { Ok(()) } else { self.may_write(tag, device, actor) }
    }

    /// Whether this actor may write anything to a tag, as far as control goes.
    pub(crate) fn may_write(&self, tag: &TagPath, device: &DeviceSpec, actor: &str) -> Result<(), (ErrorCode, String)> {
        match self.control_of(tag.device()) {
            Some((scope, control)) if control.holder != actor => Err((ErrorCode::ControlTaken, held_in_words(scope, control))),
            None if device.exclusive => {
                Err((ErrorCode::ControlNeeded, format!("{tag} is written only by whoever has control of {}", tag.device())))
            }
            _ => Ok(()),
        }
    }
}
