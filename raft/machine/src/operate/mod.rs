//! What a command may need besides a setpoint: actions, selections and ramps.

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::Timestamp;

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum OperateCommand {}

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {}

impl Operation {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        None
    }
}

impl Machine {
    pub(crate) fn operate_command(&mut self, command: OperateCommand, _effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {}
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing is due yet")]
    pub(crate) fn fire_operate_timers(&mut self, _effects: &mut Vec<Effect>) {}
}
