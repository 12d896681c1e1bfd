//! The kinds of things that the state consists of, as plain data: setpoints, commands and the audit here, who drives what in
//! `tenure`, what owners say about the field in `field`.

mod field;
mod tenure;

pub use field::{Drift, Hold, HoldReason, Quarantine, ReachWord, Reconciled};
pub use tenure::{Cause, Cooldown, Ownership, Session, TakeoverRecord, TakeoverReport, Vacancy};

use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, LogIndex, NodeId, Revision, TagPath, Timestamp, Value};

/// A tag's setpoint: the desired value. How far it has got is said by the command that set it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setpoint {
    /// The desired value.
    pub value: Value,
    /// Grows by one at each change.
    pub revision: Revision,
    /// The command that set it.
    pub command_id: CommandId,
    /// Who set it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// How far it has got; outlives the memory of the command.
    pub state: CommandState,
}

/// What a command is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommandKind {
    /// A desired value: absolute, so a newer one takes the place of an older one, and writing it again is harmless.
    #[default]
    Setpoint,
    /// Something that must not be repeated: carried out at most once, in the order of the log, and never conflated.
    Action,
}

impl CommandKind {
    /// Its word in the audit and wherever it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setpoint => "setpoint",
            Self::Action => "action",
        }
    }
}

/// A command and what became of it: the memory that makes a repeated id harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRecord {
    /// Its identity.
    pub id: CommandId,
    /// Which tag.
    pub tag: TagPath,
    /// The desired value as asked; a repeated id must ask for the same.
    pub asked: Value,
    /// The desired value as accepted; `None` if it was rejected.
    pub accepted: Option<Value>,
    /// The revision that it made; 0 if it was rejected.
    pub revision: Revision,
    /// The revision that was expected.
    pub expected_revision: Option<Revision>,
    /// The owner never begins it later than this.
    pub deadline: Timestamp,
    /// Who asked.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// The entry that committed or rejected it.
    pub log_index: LogIndex,
    /// The states that it reached, in order, each with its time. Never empty: at most seven, as states only go forward.
    pub steps: Vec<(CommandState, Timestamp)>,
    /// Why it did not succeed.
    pub error: Option<(ErrorCode, String)>,
    /// The node that carried it out.
    pub owner: Option<NodeId>,
    /// What it is.
    pub kind: CommandKind,
    /// How fast the value is to be approached at most, in units per second, as asked.
    pub ramp_per_s: Option<f64>,
    /// What the device's own counter read before an action was begun.
    pub mark: Option<Value>,
    /// The epoch under which an owner said that it begins.
    pub dispatched_epoch: Option<Epoch>,
}

impl CommandRecord {
    /// Where the command stands.
    #[must_use]
    pub fn state(&self) -> CommandState {
        self.steps.last().map_or(CommandState::Unknown, |step| step.0)
    }
}

/// One entry of the audit.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub number: u64,
    /// The log entry.
    pub log_index: LogIndex,
    /// The machine's time.
    pub time: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done: `setpoint`, `site`, `node`, `session`, `ownership`, `drain`, `takeover`, `reconcile`, `hold`,
    /// `quarantine`, `control`, `interlock`, `alarm`, `action`, `ramp` or `select`.
    pub action: String,
    /// To what.
    pub target: String,
    /// From what, to what.
    pub detail: String,
    /// Why.
    pub reason: String,
    /// The command, if it was one to a device.
    pub command_id: Option<CommandId>,
    /// Why it was refused; `None` if it was accepted.
    pub refused: Option<ErrorCode>,
    /// What was there before, where it can be named; empty otherwise.
    pub before: String,
    /// What is there after it.
    pub after: String,
    /// The hash over this and every entry before it, as [`crate::chain`] says; `None` of a version that knew none.
    pub hash: Option<crate::chain::Hash>,
}
