//! Everything that can be due in the world, and the messages in it.

use crate::clock::SimTime;
use crate::fault::Fault;
use labkeeper_machine::{Command, Rejection, Reply};
use labkeeper_model::{CommandId, Epoch, LogIndex, Name, Sample, SessionId, TagPath, Timestamp, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What is due.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something for a node's process: waits while it is frozen, and is lost if it has died.
    Node(usize, Life, NodeEvent),
    /// A node hands a proposal to whom it believes to lead.
    Propose(Proposal),
    /// A proposal reaches the node that it was sent to.
    Proposed(usize, Proposal),
    /// The first entry that waits in the leader's log may be on a majority, if this is still its term.
    Commit(u64),
    /// A request reaches the field.
    Arrive(Request),
    /// The network looks after itself: elections, news of leaders, replicas that lag.
    Tick,
    /// A fault begins, or is healed.
    Fault(Fault),
    /// A client acts, or hears.
    Client(usize, ClientEvent),
    /// The operator looks around.
    Operator,
}

/// Which life of a node, from 1: a process that is started again has another.
pub type Life = u32;

/// Something for a node's process.
#[derive(Clone, Debug)]
pub enum NodeEvent {
    /// A core asked to be called.
    Wake,
    /// Committed entries have arrived.
    Apply,
    /// Somebody leads in a term.
    Leader(usize, u64),
    /// What became of a proposal.
    Answer(u64, Outcome),
    /// No answer came in time.
    GiveUp(u64),
    /// A request that was looked at and not sent goes out.
    Send(Request),
    /// What came of a request.
    Back(Request, Answer),
    /// Time to ask a device something.
    Ask(Asking),
    /// A client's attempt of that number asks through this node.
    Submit(usize, u64, Command),
}

/// What became of a proposal.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was committed, at this index.
    Applied(LogIndex, Result<Reply, Rejection>),
    /// Whoever it was sent to does not lead: it was not proposed.
    NotLeader,
}

/// A command on its way to a leader.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The proposing node.
    pub from: usize,
    /// In which of its lives.
    pub life: Life,
    /// Which of its proposals.
    pub ticket: u64,
    /// When it was proposed first.
    pub sent: SimTime,
    /// What is proposed.
    pub command: Command,
}

/// A wish to ask a device of a segment that is kept under an epoch.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The segment.
    pub segment: usize,
    /// Under which epoch.
    pub epoch: Epoch,
    /// Which keeping of it: a segment that is taken again is kept anew.
    pub keeping: u64,
    /// The device.
    pub device: usize,
    /// What for.
    pub purpose: Purpose,
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// To connect.
    Connect,
    /// To claim the fence.
    Claim,
    /// The first reading of all tags.
    FirstReading,
    /// To see whether the device answers.
    Poll,
    /// To try the device of another's segment.
    Probe,
    /// A job reads a tag back.
    JobReading(CommandId, Name),
    /// A job writes.
    JobWrite(CommandId),
    /// A takeover policy writes.
    Policy(TagPath, Value),
    /// The lease is about to run out.
    GoSafe,
    /// The owner keeps the device's watchdog quiet.
    Beat,
}

/// A request to a device.
#[derive(Clone, Debug)]
pub struct Request {
    /// The asking node.
    pub node: usize,
    /// In which of its lives.
    pub life: Life,
    /// Under which session.
    pub session: SessionId,
    /// What is asked.
    pub asking: Asking,
    /// What is written; `None` for a beat, and for what is not a write.
    pub write: Option<(TagPath, Value)>,
    /// When the lease was looked at.
    pub checked: SimTime,
    /// The same, by the node's wall clock.
    pub wall: Timestamp,
    /// When it was sent.
    pub sent: SimTime,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was done.
    Done,
    /// All tags.
    Readings(BTreeMap<Name, Sample>),
    /// The fence knows a newer epoch.
    Refused,
    /// Nothing was sent.
    NotSent,
    /// No answer came.
    Silence,
}

/// Something for a client.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// It wants something else.
    Want,
    /// An answer to its attempt of that number.
    Answer(u64, Result<Reply, Rejection>),
    /// Its attempt of that number has no answer.
    GiveUp(u64),
}

/// An event with its time; of two at the same time, the one that was planned first comes first.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) at: SimTime,
    pub(crate) ordinal: u64,
    pub(crate) event: Event,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        // Reversed: the heap gives the greatest first.
        (other.at, other.ordinal).cmp(&(self.at, self.ordinal))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}
