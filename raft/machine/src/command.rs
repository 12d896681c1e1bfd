//! Everything that can be asked of the machine. What is not here cannot change the replicated state.

use crate::alarms::AlarmCommand;
use crate::authority::AuthorityCommand;
use crate::interlocks::InterlockCommand;
use crate::notices::NoticeCommand;
use crate::operate::OperateCommand;
use crate::state::Reconciled;
use labkeeper_model::site::SiteSpec;
use labkeeper_model::{
    CommandId, CommandState, Epoch, ErrorCode, LeaseTerms, LogIndex, Name, NodeId, Revision, SessionId, TagPath, Timestamp, Value,
};

/// Where and when an entry was committed. The time is the proposing leader's; the machine uses the larger of it and
/// the last one, so that its time never runs backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Position in the log; grows by at least one from entry to entry, equal within a batch.
    pub index: LogIndex,
    /// The leader's clock.
    pub time: Timestamp,
    /// The leader's term.
    pub term: u64,
}

/// A node as it declares itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Unique in the site.
    pub name: Name,
    /// A random number that the node's data directory got when it was made: tells a retry from a stranger of the same name.
    pub instance: [u8; 16],
    /// gRPC address, `host:port`.
    pub grpc: String,
    /// URL of its web UI.
    pub http: String,
    /// Segments whose network it can reach; `*` for all.
    pub reach: Vec<String>,
}

/// A setpoint as a client asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct SetpointRequest {
    /// The command's identity.
    pub id: CommandId,
    /// Which tag; checked against the site when applied.
    pub tag: TagPath,
    /// The desired value as the client gave it.
    pub value: Value,
    /// Refuse unless the tag's setpoint has this revision (0: has none).
    pub expected_revision: Option<Revision>,
    /// The owner never begins it later than this.
    pub deadline: Timestamp,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// How fast the value is to be approached at most, in units per second.
    pub ramp_per_s: Option<f64>,
}

/// What an owner says about a command.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandReport {
    /// Which command.
    pub id: CommandId,
    /// The epoch under which the owner acted.
    pub epoch: Epoch,
    /// The state that was reached: dispatched, written, verified, expired, failed, `verify_failed` or unknown.
    pub state: CommandState,
    /// When, by the owner's clock.
    pub time: Timestamp,
    /// Why it did not succeed.
    pub error: Option<(ErrorCode, String)>,
    /// With `dispatched`, of an action: what the device's own counter reads before it is begun.
    pub mark: Option<Value>,
}

/// A change of the replicated state.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Founds the site; the node gets number 1. First command of every log.
    FoundSite {
        /// The site's identity, random.
        site_id: [u8; 16],
        /// The founding node.
        node: NodeInfo,
    },
    /// Gives a node its number, which is the entry's index. The same instance asking again gets the same number.
    AdmitNode {
        /// The node.
        node: NodeInfo,
    },
    /// A node says how it is reached, each time it starts.
    UpdateNode {
        /// Its number.
        id: NodeId,
        /// The node.
        node: NodeInfo,
    },
    /// Removes a node for good.
    RemoveNode {
        /// Its number.
        id: NodeId,
        /// Who asks.
        actor: String,
    },
    /// Puts a declaration in force as a whole, or refuses it as a whole.
    ApplySite {
        /// The declaration.
        site: SiteSpec,
        /// Refuse unless this version is in force.
        expected_version: Option<u64>,
        /// Who asks.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Sets a setpoint.
    SubmitSetpoint(SetpointRequest),
    /// An owner's reports; each is judged on its own.
    ReportCommands {
        /// The reporting node.
        node: NodeId,
        /// In the order in which things happened.
        reports: Vec<CommandReport>,
    },
    /// Ends the commands whose deadline has passed before an owner began them.
    ExpireCommands,
    /// A node says that it lives, and that nothing of an earlier session of its own drives a device any more. Ends the node's earlier
    /// session if it is alive, and grants it what it should own. The terms count as of this entry.
    OpenSession {
        /// The node.
        node: NodeId,
        /// The newest session of this node that the sender knew of (0: none). Refused (`Fenced`) if there is a newer one: an opening whose
        /// answer was lost may be committed much later, and would end the session that is held by then.
        after: SessionId,
        /// What it counts its lease by.
        terms: LeaseTerms,
    },
    /// A node says that it still lives.
    RenewSession {
        /// The node.
        node: NodeId,
        /// Its session.
        session: SessionId,
        /// Grows from renewal to renewal.
        seq: u64,
    },
    /// The leader says that a session has run out. Does nothing if a renewal that the leader had not seen was ordered first.
    ExpireSession {
        /// The node.
        node: NodeId,
        /// Its session.
        session: SessionId,
        /// The newest renewal that the leader had seen.
        seq: u64,
    },
    /// A node stops as planned, after it has closed all connections to devices.
    EndSession {
        /// The node.
        node: NodeId,
        /// Its session.
        session: SessionId,
    },
    /// An owner has let go of a segment: its connections to devices are closed.
    ReleaseSegment {
        /// The owner.
        node: NodeId,
        /// Its session.
        session: SessionId,
        /// Which segment.
        segment: String,
        /// The epoch under which it owned it.
        epoch: Epoch,
    },
    /// Hands a node's segments over as planned and gives it no others, or ends that.
    SetDraining {
        /// The node.
        node: NodeId,
        /// Whether to drain it.
        draining: bool,
        /// Who asks.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Looks again at who should own what, since time has passed.
    PlaceSegments,
    /// A node says how many of a segment's devices it reaches.
    ReportReach {
        /// The node.
        node: NodeId,
        /// Its session.
        session: SessionId,
        /// Which segment.
        segment: String,
        /// The epoch under which it owns the segment; `None` if it was asked to probe.
        epoch: Option<Epoch>,
        /// How many devices answered.
        reached: u32,
        /// Of how many.
        of: u32,
    },
    /// An owner says how it took a segment's devices over.
    ReportTakeover {
        /// The owner.
        node: NodeId,
        /// Which segment.
        segment: String,
        /// The epoch of the grant.
        epoch: Epoch,
        /// When the first device was connected, by the owner's clock.
        connected: Timestamp,
        /// When the devices that answer had been read, by the owner's clock.
        read: Timestamp,
        /// When control was enabled, by the owner's clock.
        enabled: Timestamp,
        /// How many devices answered.
        devices_reached: u32,
        /// Of how many.
        devices: u32,
    },
    /// An owner says what it found and did for the setpoints of a segment that it took over.
    ReportReconciled {
        /// The owner.
        node: NodeId,
        /// Which segment.
        segment: String,
        /// The epoch of the grant.
        epoch: Epoch,
        /// Tag by tag.
        outcomes: Vec<(TagPath, Reconciled)>,
    },
    /// An operator confirms that a tag may be written again.
    ReleaseHold {
        /// Which tag.
        tag: TagPath,
        /// Who asks.
        actor: String,
        /// Why.
        reason: String,
    },
    /// An owner says that it leaves a device alone, or does not any more.
    SetQuarantine {
        /// The owner.
        node: NodeId,
        /// Which device.
        device: Name,
        /// The epoch under which it owns the device's segment.
        epoch: Epoch,
        /// What happened; `None` ends the quarantine.
        reason: Option<String>,
    },
    /// About alarms.
    Alarm(AlarmCommand),
    /// About who has taken control of what.
    Authority(AuthorityCommand),
    /// About interlocks.
    Interlock(InterlockCommand),
    /// About actions, selections and ramps.
    Operate(OperateCommand),
    /// About what somebody is told.
    Notice(NoticeCommand),
    /// What a person does, once however often it is sent.
    Once {
        /// Made by whoever does it.
        id: CommandId,
        /// About alarms, control, interlocks, ramps, holds or drains.
        deed: Box<Command>,
    },
    /// Does what has become due.
    FireTimers,
    /// An owner drives by this version of the declaration, or a later one: it has let go of what is not in it.
    ConfirmSite {
        /// The owner.
        node: NodeId,
        /// The session under which it drives.
        session: SessionId,
        /// The version.
        version: u64,
    },
}
