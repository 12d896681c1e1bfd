//! What the site's alarms are, and what people did about them.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, Timestamp};

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum AlarmCommand {}

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alarms {}

impl Alarms {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        None
    }
}

impl Machine {
    pub(crate) fn alarms_command(&mut self, command: AlarmCommand, _effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {}
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing is due yet")]
    pub(crate) fn fire_alarms_timers(&mut self, _effects: &mut Vec<Effect>) {}

    /// Raises or clears an alarm that the machine finds by itself, such as a tripped interlock. Level-triggered: saying the same twice
    /// changes nothing.
    #[expect(clippy::unused_self, dead_code, reason = "nothing is kept yet")]
    pub(crate) fn raise_internal(&mut self, _alarm: &AlarmId, _active: bool, _priority: Priority, _text: &str, _effects: &mut Vec<Effect>) {
    }
}
