//! What owners say about commands, and commands that nobody began in time.
//!
//! A report counts only if it comes from the segment's owner under the segment's epoch: after a takeover the former owner's
//! words about a device are hearsay. A refused report changes nothing and is only counted; an owner that hears of one looks at the
//! state again.
//!
//! `expired` promises that nothing was driven, and an owner writes before it says so. So where there is an owner, only it ends a command as
//! expired; where there is none, [`Command::ExpireCommands`] does, but only if nobody ever owned the segment.
//!
//! [`Command::ExpireCommands`]: crate::Command::ExpireCommands

use crate::Machine;
use crate::command::CommandReport;
use crate::lifecycle::{Intent, Step, may_follow};
use crate::reconcile::is_kept;
use crate::reply::{Effect, Reply};
use crate::state::CommandKind;
use labkeeper_model::{CommandId, CommandState, ErrorCode, NodeId};
use std::time::Duration;

/// How far an owner's clock may be ahead of the machine's time; a step beyond is put there. Ordinary clocks differ by
/// milliseconds, badly kept ones by seconds; without a bound one broken clock would keep its commands in the memory for years.
const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(60);

impl Machine {
    pub(crate) fn report_commands(&mut self, node: NodeId, reports: &[CommandReport], effects: &mut Vec<Effect>) -> Reply {
        let mut refused: u32 = 0;
        for report in reports {
            if self.is_credible(node, report) {
                self.take(node, report, effects);
            } else {
                // Saturates: a message of 2^32 reports would be of 100 GB.
                refused = refused.saturating_add(1);
            }
        }
        Reply::Reported { refused }
    }

    /// Whether a report is about an outstanding command, by the segment's present owner, and leads forward.
    fn is_credible(&self, node: NodeId, report: &CommandReport) -> bool {
        let Some(record) = self.commands.get(&report.id) else { return false };
        let ownership = self.recorded(record.tag.segment());
        ownership.owner == Some(node)
            && ownership.epoch == report.epoch
            && self.commands.is_outstanding(record)
            && is_for_owners(report.state)
            && may_follow(record.state(), report.state)
    }

    fn take(&mut self, node: NodeId, report: &CommandReport, effects: &mut Vec<Effect>) {
        let time = report.time.min(self.time.saturating_add(CLOCK_AHEAD_MAX));
        let error = default_code(report.state).map(|code| report.error.clone().unwrap_or_else(|| (code, code.summary().to_owned())));
        let mark = report.mark.clone().filter(is_kept);
        let intent = (report.state == CommandState::Dispatched).then_some(Intent { epoch: report.epoch, mark });
        self.step(&report.id, Step { state: report.state, time, error, owner: Some(node), intent }, effects);
    }

    /// Ends overdue commands of segments that nobody owns. Where there is an owner, it alone knows whether it has begun, even if it
    /// is out of reach at present: its own report ends the command.
    pub(crate) fn expire_commands(&mut self, effects: &mut Vec<Effect>) -> Reply {
        for id in self.commands.overdue(self.time) {
            self.expire(&id, effects);
        }
        Reply::Done
    }

    fn expire(&mut self, id: &CommandId, effects: &mut Vec<Effect>) {
        let Some(record) = self.commands.get(id) else { return };
        let segment = record.tag.segment();
        let ownership = self.recorded(segment);
        if ownership.owner.is_some() {
            return;
        }
        let (state, code, what) = if ownership.epoch == 0 {
            (CommandState::Expired, ErrorCode::Expired, format!("before anybody owned {segment}"))
        } else if record.kind == CommandKind::Action {
            // An action is sent only after its owner's word that it begins.
            (CommandState::Expired, ErrorCode::Expired, format!("before an owner of {segment} had begun"))
        } else {
            let what = format!("while nobody owned {segment}; whether an earlier owner had begun is not known");
            (CommandState::Unknown, ErrorCode::OutcomeUnknown, what)
        };
        let message = format!("{}: the deadline passed {what}", record.tag);
        self.end(id, state, (code, message), effects);
    }
}

/// The states that an owner can tell of; the others are the machine's to decide.
fn is_for_owners(state: CommandState) -> bool {
    matches!(state, CommandState::Dispatched | CommandState::Written | CommandState::Verified) || default_code(state).is_some()
}

/// The code of a failure that an owner reports without one; `None` for what is no failure, or not an owner's to report.
fn default_code(state: CommandState) -> Option<ErrorCode> {
    match state {
        CommandState::Expired => Some(ErrorCode::Expired),
        CommandState::Failed => Some(ErrorCode::WriteFailed),
        CommandState::VerifyFailed => Some(ErrorCode::VerifyFailed),
        CommandState::Unknown => Some(ErrorCode::OutcomeUnknown),
        _ => None,
    }
}
