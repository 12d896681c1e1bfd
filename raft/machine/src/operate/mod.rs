//! What a command may need besides a setpoint: actions, the withdrawal of commands, the steering of ramps, and selections.
//!
//! ```text
//!   SubmitAction --> judged as a setpoint is --> committed --> its owner says that it begins: dispatched --> what came of it
//!                                                    |
//!                                                 Cancel, until then
//!   Steer ------> hold, resume, stop a setpoint that is approached step by step; ReportRamp says where it stands
//!   Select -----> what somebody is about to do; the command of the same id does it
//! ```

mod action;
mod cancel;
mod ramp;
mod select;

pub use action::{ACTIONS_MAX, ActionRequest};
pub use ramp::{Ramp, RampProgress, RampState, Steer};
pub use select::{Selection, SelectionRequest};

use crate::Machine;
use crate::reply::{Effect, Rejection, Reply};
use labkeeper_model::site::{SiteSpec, TagSpec};
use labkeeper_model::{CommandId, Epoch, NodeId, TagPath, Timestamp};
use std::collections::BTreeMap;

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
    /// Holds a ramp, lets it go on, or stops it.
    Steer {
        /// Whose ramp.
        tag: TagPath,
        /// What is wanted.
        how: Steer,
        /// Who asks.
        actor: String,
        /// Why.
        reason: String,
    },
    /// An owner says where a ramp stands.
    ReportRamp {
        /// The reporting node.
        node: NodeId,
        /// Which segment.
        segment: String,
        /// The epoch under which it acts.
        epoch: Epoch,
        /// Whose ramp.
        tag: TagPath,
        /// The command whose setpoint is approached.
        command: CommandId,
        /// What there is to say.
        progress: RampProgress,
    },
    /// Says what is to be written, before the command that writes it.
    Select(SelectionRequest),
    /// Gives a selection up.
    Deselect {
        /// The id under which it was made.
        id: CommandId,
        /// Which tag.
        tag: TagPath,
        /// Who asks.
        actor: String,
    },
}

/// This part of the state: at most one ramp and one selection for each tag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {
    /// The latest ramp of each tag.
    pub ramps: BTreeMap<TagPath, Ramp>,
    /// The latest selection of each tag, also one that is void.
    pub selections: BTreeMap<TagPath, Selection>,
}

impl Operation {
    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        None
    }

    /// Forgets what is about tags that the site does not have, or not in this way.
    pub(crate) fn forget_what_is_gone(&mut self, site: &SiteSpec) {
        self.ramps.retain(|tag, _| is_ramped(site, tag));
        self.selections.retain(|tag, _| is_selected(site, tag));
    }

    /// The first tag that is remembered and that the site does not have, or not in this way.
    pub(crate) fn undeclared(&self, site: &SiteSpec) -> Option<&TagPath> {
        let ramp = self.ramps.keys().find(|tag| !is_ramped(site, tag));
        ramp.or_else(|| self.selections.keys().find(|tag| !is_selected(site, tag)))
    }
}

fn is_ramped(site: &SiteSpec, tag: &TagPath) -> bool {
    let is = |spec: &TagSpec| spec.access.is_writable() && spec.value_type.is_number();
    site.tag(tag).is_some_and(|(_, spec)| is(spec))
}

fn is_selected(site: &SiteSpec, tag: &TagPath) -> bool {
    site.tag(tag).is_some_and(|(_, spec)| spec.select.is_some())
}

impl Machine {
    pub(crate) fn operate_command(&mut self, command: OperateCommand, effects: &mut Vec<Effect>) -> Result<Reply, Rejection> {
        match command {
            OperateCommand::SubmitAction(request) => self.submit_action(request, effects),
            OperateCommand::Cancel { id, actor, reason } => self.cancel(&id, &actor, &reason, effects),
            OperateCommand::Steer { tag, how, actor, reason } => self.steer(&tag, how, (&actor, &reason), effects),
            OperateCommand::ReportRamp { node, segment, epoch, tag, command, progress } => {
                self.report_ramp((node, &segment, epoch), (&tag, &command), progress, effects)
            }
            OperateCommand::Select(request) => self.select(request, effects),
            OperateCommand::Deselect { id, tag, actor } => self.deselect(&id, &tag, &actor, effects),
        }
    }

    /// Does what is due by the machine's time.
    #[expect(clippy::unused_self, reason = "nothing of this part waits for time to pass")]
    pub(crate) fn fire_operate_timers(&mut self, _effects: &mut Vec<Effect>) {}
}
