//! Which interlocks have tripped, latched or are defeated.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::{ErrorCode, TagPath, Timestamp, Value};

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum InterlockCommand {}

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interlocks {}

impl Interlocks {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        None
    }
}

impl Machine {
    pub(crate) fn interlocks_command(&mut self, command: InterlockCommand, _effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {}
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing is due yet")]
    pub(crate) fn fire_interlocks_timers(&mut self, _effects: &mut Vec<Effect>) {}

    /// Whether a tag may be driven to this value now, as far as interlocks go. The safe value always may.
    ///
    /// # Errors
    /// Code and message, naming the interlock.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "no interlock is evaluated yet")]
    pub(crate) fn check_interlocks(&self, _tag: &TagPath, _value: &Value) -> Result<(), (ErrorCode, String)> {
        Ok(())
    }
}
