//! Everything that can be asked of the machine. What is not here cannot change the replicated state.

use labkeeper_model::site::SiteSpec;
use labkeeper_model::{CommandId, CommandState, Epoch, ErrorCode, LogIndex, Name, NodeId, Revision, TagPath, Timestamp, Value};

/// Where and when an entry was committed. The time is the proposing leader's; the machine uses the larger of it and
/// the last one, so that its time never runs backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Position in the log; grows by at least one from entry to entry, equal within a batch.
    pub index: LogIndex,
    /// The leader's clock.
    pub time: Timestamp,
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
}
