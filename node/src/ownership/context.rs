//! What a node gives to whatever drives its segments: the replicated state, the right to drive, and where samples and reports go.

use super::board::BusBoard;
use super::tenure::Tenure;
use crate::peers::Peers;
use crate::telemetry::latest::Latest;
use labkeeper_machine::command::CommandReport;
use labkeeper_model::{Name, NodeId};
use labkeeper_raft::Cluster;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::mpsc;

/// Everything that owning segments needs from the node.
#[derive(Clone)]
pub struct OwnerContext {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node.
    pub me: NodeId,
    /// Its name.
    pub name: Name,
    /// The right to drive.
    pub tenure: Tenure,
    /// The local address of connections to devices.
    pub source: Option<IpAddr>,
    /// The longest time for which a write that was sent can still take effect.
    pub write_timeout: Duration,
    /// Where samples go.
    pub latest: Arc<Latest>,
    /// Which nodes are heard of.
    pub peers: Arc<Peers>,
    /// Counts readings taken.
    pub taken: Arc<AtomicU64>,
    /// Where reports go.
    pub reports: mpsc::Sender<CommandReport>,
    /// Where running buses are listed.
    pub board: Arc<BusBoard>,
}
