//! What the invariants are told: what really happened, as nobody in the world can see it.

use crate::clock::SimTime;
use crate::event::Life;
use labkeeper_model::{CommandId, Epoch, LogIndex, SessionId, Timestamp, Value};
use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The newest entry of the log was committed and applied to the agreed machine.
    Committed,
    /// A node's replica answered an entry otherwise than the agreed machine.
    Diverged {
        /// Which node.
        node: usize,
        /// Which entry.
        index: LogIndex,
    },
    /// A node began to believe that it may drive a segment.
    Took {
        /// Which node.
        node: usize,
        /// Which segment.
        segment: usize,
    },
    /// A node looked at its lease and found that it may write.
    Checked {
        /// Which node.
        node: usize,
        /// Which segment.
        segment: usize,
        /// Under which session.
        session: SessionId,
    },
    /// A device was read completely for the first time.
    Read {
        /// Which device.
        device: usize,
        /// By which node.
        node: usize,
        /// In which of its lives.
        life: Life,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// A device's fence accepted an epoch.
    Claimed {
        /// Which device.
        device: usize,
        /// Which epoch.
        epoch: Epoch,
    },
    /// A write took effect.
    Wrote(WriteRecord),
    /// A node's process went on after it was frozen.
    Thawed {
        /// Which node.
        node: usize,
        /// For how long it was.
        frozen: Duration,
    },
    /// The faults are over.
    Calm,
    /// A client was told that its setpoint is committed.
    Acknowledged {
        /// The command.
        id: CommandId,
    },
    /// The world ends.
    End,
}

/// A write, as its device got it.
#[derive(Clone, Debug)]
pub struct WriteRecord {
    /// Which device.
    pub device: usize,
    /// Whose write.
    pub node: usize,
    /// In which of its lives.
    pub life: Life,
    /// Under which session.
    pub session: SessionId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// When the lease was looked at.
    pub checked: SimTime,
    /// The same, by the node's wall clock.
    pub wall: Timestamp,
    /// When it was sent.
    pub sent: SimTime,
    /// When it took effect.
    pub effective: SimTime,
    /// The command that it carries out, if any.
    pub command: Option<CommandId>,
    /// The value, if it was not a beat.
    pub value: Option<Value>,
}
