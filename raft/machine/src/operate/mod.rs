//! What a command may need besides a setpoint: actions and their withdrawal.
//!
//! ```text
//!   SubmitAction --> judged as a setpoint is --> committed --> its owner says that it begins: dispatched --> what came of it
//!                                                    |
//!                                                 Cancel, until then
//! ```

mod action;
mod cancel;

pub use action::{ACTIONS_MAX, ActionRequest};

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::{CommandId, Timestamp};

/// What can be asked of this part of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum OperateCommand {
    /// Has an action carried out, at most once.
    SubmitAction(ActionRequest),
    /// Withdraws a command that nobody has begun.
    Cancel {
        /// Which command.
        id: CommandId,
        /// Who asks.
        actor: String,
        /// Why.
        reason: String,
    },
}

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
    pub(crate) fn operate_command(&mut self, command: OperateCommand, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {
            OperateCommand::SubmitAction(request) => self.submit_action(request, effects),
            OperateCommand::Cancel { id, actor, reason } => self.cancel(&id, &actor, &reason, effects),
        }
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing of this part waits for time to pass")]
    pub(crate) fn fire_operate_timers(&mut self, _effects: &mut Vec<Effect>) {}
}
