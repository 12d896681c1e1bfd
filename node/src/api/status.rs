//! The cluster as this node sees it: who is there, who leads, who owns what.

mod nodes;
mod segments;
pub mod takeovers;

use crate::VERSION;
use crate::ownership::board::{self, BusBoard};
use crate::ownership::tenure::Tenure;
use crate::peers::Peers;
use labkeeper_machine::command::NodeInfo;
use labkeeper_model::{CommandId, NodeId};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use labkeeper_supervision::System;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Everything that a node's status is made from.
pub struct StatusSource {
    /// The replicated state.
    pub cluster: Cluster,
    /// This node's own name, which it has before it belongs to a cluster.
    pub me: NodeInfo,
    /// The other nodes.
    pub peers: Arc<Peers>,
    /// Running buses.
    pub board: Arc<BusBoard>,
    /// Readings taken since the start.
    pub taken: Arc<AtomicU64>,
    /// Readings per second, measured over the last second, in thousandths.
    pub rate_milli: Arc<AtomicU64>,
    /// When the node started.
    pub started: Instant,
    /// The node's right to drive.
    pub tenure: Tenure,
    /// The node's supervision tree, once it runs.
    pub tree: Arc<OnceLock<System>>,
}

impl StatusSource {
    /// The whole cluster. With `why`, what speaks for and against each node as the owner of each segment.
    #[must_use]
    pub fn cluster_status(&self, why: bool) -> v1::GetClusterStatusResponse {
        let raft = self.cluster.status();
        let own = self.node_state();
        self.cluster.read(|machine| {
            let mut states: BTreeMap<NodeId, v1::GetNodeStateResponse> =
                machine.nodes().keys().filter_map(|id| Some((*id, self.peers.state(*id)?))).collect();
            if let Some(id) = raft.node_id {
                states.insert(id, own.clone());
            }
            v1::GetClusterStatusResponse {
                leader: raft.leader.map(|id| super::wire::node_name(machine, id)).unwrap_or_default(),
                term: raft.term,
                nodes: nodes::statuses(machine, &raft, &states),
                segments: segments::statuses(self, machine, &states, why),
                takeovers: takeovers::latest(machine),
                answered_by: self.me.name.to_string(),
                site_name: machine.site().name.clone(),
                site_version: machine.site_version(),
                site_id: own.site_id.clone(),
                initialised: self.cluster.identity().is_some(),
            }
        })
    }

    /// This node alone.
    #[must_use]
    pub fn node_state(&self) -> v1::GetNodeStateResponse {
        let raft = self.cluster.status();
        let identity = self.cluster.identity();
        let mut devices_online: BTreeMap<String, u32> = BTreeMap::new();
        for (key, stats) in board::statistics(&self.board) {
            *devices_online.entry(key.segment).or_default() += u32::try_from(board::devices_online(&stats)).unwrap_or(u32::MAX);
        }
        v1::GetNodeStateResponse {
            node_id: identity.as_ref().map_or(0, |identity| identity.node_id),
            name: self.me.name.to_string(),
            role: raft.role.as_str().to_owned(),
            term: raft.term,
            applied_index: raft.applied,
            version: VERSION.to_owned(),
            samples_per_s: self.samples_per_s(),
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            devices_online,
            // A UUID has the form of a command id.
            site_id: identity.map(|identity| CommandId(identity.site_id).to_string()).unwrap_or_default(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn samples_per_s(&self) -> f64 {
        self.rate_milli.load(Ordering::Relaxed) as f64 / 1000.0
    }
}
