//! What the machine answers, and what it hints to the world outside.

use crate::state::CommandRecord;
use labkeeper_model::site::Problem;
use labkeeper_model::{AlarmId, CommandId, ErrorCode, Name, NodeId, Scope, SessionId, TagPath};
use std::fmt;
use std::sync::Arc;

/// The result of applying one command.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The answer to whoever proposed it.
    pub reply: Result<Reply, Rejection>,
    /// Hints: an effect may be lost or repeated at a failover, so nothing may depend on one. The state is the truth.
    pub effects: Vec<Effect>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Done.
    Done,
    /// A node's number.
    Node(NodeId),
    /// The site's version in force.
    SiteVersion(u64),
    /// The command as it is remembered, rejected ones too; boxed in an `Arc` that the state shares.
    Command(Arc<CommandRecord>),
    /// How many of an owner's reports were refused.
    Reported {
        /// Stale, of a foreign segment, or about a command that has ended.
        refused: u32,
    },
    /// The session that was opened.
    Session(SessionId),
    /// What became of an expiry.
    Expired {
        /// Whether the session ended by it; otherwise it had been renewed, or had ended before.
        ended: bool,
    },
}

/// A refusal: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which kind.
    pub code: ErrorCode,
    /// What, and where.
    pub message: String,
    /// Findings about a site's declaration.
    pub problems: Vec<Problem>,
}

impl Rejection {
    /// A refusal without findings.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), problems: vec![] }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Rejection {}

/// A hint to the shells that something is worth looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Another declaration is in force.
    SiteChanged,
    /// A node was admitted, changed or removed, or is being drained or not.
    NodesChanged,
    /// A session was opened or ended.
    SessionChanged {
        /// Whose.
        node: NodeId,
    },
    /// A session was renewed.
    SessionRenewed {
        /// Whose.
        node: NodeId,
    },
    /// A segment has another owner, epoch or successor.
    OwnershipChanged {
        /// Which segment.
        segment: String,
    },
    /// Somebody said how much of a segment it reaches: others may be asked to probe.
    ReachChanged {
        /// Which segment.
        segment: String,
    },
    /// An owner has taken a segment's devices over.
    TakenOver {
        /// Which segment.
        segment: String,
    },
    /// A tag is held or not, has drifted or not, is selected or not, or its ramp is steered or told of.
    TagChanged {
        /// Which tag.
        tag: TagPath,
    },
    /// A device is quarantined or not.
    DeviceChanged {
        /// Which device.
        device: Name,
    },
    /// Somebody has control, or has it no more, or was asked for it.
    ControlChanged {
        /// Of what.
        scope: Scope,
    },
    /// An alarm changed, or what people did about it.
    AlarmChanged {
        /// Which alarm.
        alarm: AlarmId,
    },
    /// An interlock tripped, healed, latched, was reset or defeated, or is in force again.
    InterlockChanged {
        /// Which one.
        interlock: Name,
    },
    /// A command reached a state.
    CommandChanged {
        /// Which command.
        id: CommandId,
    },
}
