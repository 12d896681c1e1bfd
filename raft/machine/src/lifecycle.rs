//! What may become of a command in the machine, and the one function that makes it so.
//!
//! ```text
//!   committed --> dispatched --> written --> verified              the owner's reports
//!       |             |             |
//!       +-------------+-------------+--> failed, verify_failed, unknown      the owner's reports
//!       +-------------+-------------+--> superseded                a newer setpoint of the tag
//!       +-------------+-------------+--> cancelled                 the tag left the site, or the ramp was stopped
//!       |
//!       +--> expired                                               the deadline passed before the owner began
//!
//!   rejected, expired                                              at once, without being committed
//! ```
//!
//! Actions go the same way, except that nothing supersedes them, and that they are never begun before `dispatched` is here.
//!
//! A report may be lost, so steps may be skipped; none is ever taken back. `written` is the end of the road for a tag that has no
//! verification: it can be read neither by itself nor by another tag, so nothing further will ever be known.

use crate::Machine;
use crate::commands::Standing;
use crate::invariant::Invariant;
use crate::reply::Effect;
use crate::state::{CommandKind, CommandRecord, Setpoint};
use crate::text::{MESSAGE_LEN_MAX, cut};
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, NodeId, TagPath, Timestamp, Value};
use std::sync::Arc;

/// One step of a command.
pub(crate) struct Step {
    pub(crate) state: CommandState,
    pub(crate) time: Timestamp,
    pub(crate) error: Option<(ErrorCode, String)>,
    /// The node that reported it.
    pub(crate) owner: Option<NodeId>,
    /// With `dispatched`: how it is begun.
    pub(crate) intent: Option<Intent>,
}

/// An owner's word that it begins.
pub(crate) struct Intent {
    pub(crate) epoch: Epoch,
    pub(crate) mark: Option<Value>,
}

/// Whether a command may go from one state to another.
pub(crate) fn may_follow(from: CommandState, to: CommandState) -> bool {
    match to {
        CommandState::Rejected => false,
        CommandState::Expired => from == CommandState::Committed,
        _ => !from.is_terminal() && rank(to) > rank(from),
    }
}

fn rank(state: CommandState) -> u8 {
    match state {
        CommandState::Received => 0,
        CommandState::Validated => 1,
        CommandState::Committed => 2,
        CommandState::Dispatched => 3,
        CommandState::Written => 4,
        _ => 5,
    }
}

/// Whether the owner has something to do for the command that set a tag's setpoint.
pub(crate) fn standing(site: &SiteSpec, record: &CommandRecord) -> Standing {
    match record.state() {
        CommandState::Committed | CommandState::Dispatched => Standing::Outstanding,
        CommandState::Written if is_verified_by_reading(site, record) => Standing::Outstanding,
        _ => Standing::Ended,
    }
}

fn is_verified_by_reading(site: &SiteSpec, record: &CommandRecord) -> bool {
    let verification = || {
        let (device, tag) = site.tag(&record.tag)?;
        let (name, _) = device.tags.get_key_value(record.tag.tag())?;
        // What an action's own cell reads afterwards says nothing about whether it was done.
        if record.kind == CommandKind::Action { tag.verify.clone() } else { tag.verification(name, record.accepted.as_ref()?) }
    };
    verification().is_some()
}

/// Whether a command made this setpoint of its tag. The id alone does not tell: a setpoint outlives the memory of its command, and a
/// forgotten id may come back with another wish.
pub(crate) fn set_by(setpoint: &Setpoint, record: &CommandRecord) -> bool {
    setpoint.command_id == record.id && setpoint.revision == record.revision
}

impl Machine {
    /// Whether the owner has something to do for a command; of setpoints only the one that set its tag's can be outstanding.
    pub(crate) fn standing(&self, record: &CommandRecord) -> Standing {
        if record.kind == CommandKind::Action {
            return standing(&self.site, record);
        }
        let is_latest = self.setpoints.get(&record.tag).is_some_and(|setpoint| set_by(setpoint, record));
        if is_latest { standing(&self.site, record) } else { Standing::Ended }
    }

    /// The command that set a tag's setpoint, if its owner has not finished with it.
    pub(crate) fn outstanding_of(&self, tag: &TagPath) -> Option<CommandId> {
        let setpoint = self.setpoints.get(tag)?;
        let record = self.commands.get(&setpoint.command_id)?;
        (record.tag == *tag && set_by(setpoint, record) && self.commands.is_outstanding(record)).then_some(record.id)
    }

    /// Moves a command to another state, and the setpoint that it set with it. A step in its past is moved to the one before it:
    /// clocks of nodes differ, the order of steps does not.
    pub(crate) fn step(&mut self, id: &CommandId, step: Step, effects: &mut Vec<Effect>) {
        let Some(mut record) = self.commands.remove(id) else { return };
        let before = record.state();
        self.faults.check(may_follow(before, step.state), Invariant::LifecycleForward, self.applied, || {
            format!("command {id} from {before} to {}", step.state)
        });
        let changed = Arc::make_mut(&mut record);
        let earliest = changed.steps.last().map_or(step.time, |last| last.1);
        changed.steps.push((step.state, step.time.max(earliest)));
        changed.error = step.error.map(|(code, message)| (code, cut(message, MESSAGE_LEN_MAX)));
        changed.owner = step.owner.or(changed.owner);
        if let Some(intent) = step.intent {
            (changed.mark, changed.dispatched_epoch) = (intent.mark, Some(intent.epoch));
        }
        if let Some(setpoint) = self.setpoints.get_mut(&record.tag).filter(|setpoint| set_by(setpoint, &record)) {
            Arc::make_mut(setpoint).state = step.state;
        }
        let standing = self.standing(&record);
        self.commands.insert(record, standing);
        self.follow_ramp(id);
        effects.push(Effect::CommandChanged { id: *id });
    }

    /// Ends a command by the machine's own decision.
    pub(crate) fn end(&mut self, id: &CommandId, state: CommandState, error: (ErrorCode, String), effects: &mut Vec<Effect>) {
        let step = Step { state, time: self.time, error: Some(error), owner: None, intent: None };
        self.step(id, step, effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CommandState::{Cancelled, Committed, Dispatched, Expired, Failed, Superseded, Unknown, Verified, VerifyFailed, Written};

    #[test]
    fn states_only_go_forward_and_end_once() {
        for from in CommandState::ALL {
            for to in CommandState::ALL {
                let expected = match from {
                    Committed => {
                        [Dispatched, Written, Verified, Expired, Superseded, Cancelled, Failed, VerifyFailed, Unknown].contains(&to)
                    }
                    Dispatched => [Written, Verified, Superseded, Cancelled, Failed, VerifyFailed, Unknown].contains(&to),
                    Written => [Verified, Superseded, Cancelled, Failed, VerifyFailed, Unknown].contains(&to),
                    _ => continue,
                };
                assert_eq!(may_follow(from, to), expected, "{from} -> {to}");
            }
            if from.is_terminal() {
                assert!(CommandState::ALL.iter().all(|to| !may_follow(from, *to)), "{from} is an end");
            }
        }
    }
}
