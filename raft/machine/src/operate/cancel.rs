//! Withdrawing a command that nobody has begun. Whoever may ask for nothing else may ask for this: it never needs control.

use crate::Machine;
use crate::audit::Deed;
use crate::reply::{Effect, Rejection, Reply};
use crate::state::CommandKind;
use crate::text::{self, ACTOR_LEN_MAX, REASON_LEN_MAX};
use labkeeper_model::{CommandId, CommandState, ErrorCode};

impl Machine {
    pub(crate) fn cancel(&mut self, id: &CommandId, actor: &str, reason: &str, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        text::check_len("the actor", actor, ACTOR_LEN_MAX)?;
        text::check_len("the reason", reason, REASON_LEN_MAX)?;
        let unknown = || Rejection::new(ErrorCode::UnknownCommand, format!("no command {id} is known"));
        let record = self.commands.get(id).map(std::sync::Arc::clone).ok_or_else(unknown)?;
        if record.state() == CommandState::Cancelled {
            // The same wish twice is one.
            return Ok(Reply::Command(record));
        }
        // An owner may have written a setpoint before it said so; of an action, it says so first.
        let was_owned = self.recorded(record.tag.segment()).epoch > 0;
        let is_certain = record.kind == CommandKind::Action || !was_owned;
        if record.state() != CommandState::Committed || !self.commands.is_outstanding(&record) || !is_certain {
            let message = format!("command {id} to {} is {}", record.tag, record.state());
            return Err(Rejection::new(ErrorCode::NotCancellable, message));
        }
        let error = (ErrorCode::Cancelled, format!("withdrawn by {actor}"));
        self.end(id, CommandState::Cancelled, error, effects);
        let detail = format!("cancelled {id}");
        self.note(Deed { actor, action: CommandKind::as_str(record.kind), target: record.tag.as_str(), detail, reason });
        self.commands.get(id).map(|record| Reply::Command(std::sync::Arc::clone(record))).ok_or_else(unknown)
    }
}
