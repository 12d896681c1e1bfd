//! The cluster as this node sees it: who is there, who leads, who owns what.

use crate::VERSION;
use crate::ownership::keeper::{self, BusBoard};
use crate::peers::Peers;
use labkeeper_machine::Machine;
use labkeeper_machine::command::NodeInfo;
use labkeeper_model::{CommandId, NodeId};
use labkeeper_proto::v1;
use labkeeper_raft::{Cluster, RaftStatus, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
}

impl StatusSource {
    /// The whole cluster.
    #[must_use]
    pub fn cluster_status(&self) -> v1::GetClusterStatusResponse {
        let raft = self.cluster.status();
        let own = self.node_state();
        self.cluster.read(|machine| {
            let mut states: BTreeMap<NodeId, v1::GetNodeStateResponse> =
                machine.nodes().keys().filter_map(|id| Some((*id, self.peers.state(*id)?))).collect();
            if let Some(id) = raft.node_id {
                states.insert(id, own.clone());
            }
            let mut nodes: Vec<v1::NodeStatus> =
                machine.nodes().iter().map(|(id, node)| node_status(*id, node, states.get(id), &raft)).collect();
            nodes.sort_by(|a, b| a.name.cmp(&b.name));
            v1::GetClusterStatusResponse {
                leader: raft.leader.map(|id| super::wire::node_name(machine, id)).unwrap_or_default(),
                term: raft.term,
                nodes,
                segments: segments(machine, &states),
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
        for (key, stats) in keeper::statistics(&self.board) {
            *devices_online.entry(key.segment).or_default() += u32::try_from(keeper::devices_online(&stats)).unwrap_or(u32::MAX);
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

fn node_status(id: NodeId, node: &NodeInfo, state: Option<&v1::GetNodeStateResponse>, raft: &RaftStatus) -> v1::NodeStatus {
    let role = match state {
        None => v1::NodeRole::Unreachable,
        Some(_) if raft.leader == Some(id) => v1::NodeRole::Leader,
        Some(_) if raft.learners.contains(&id) => v1::NodeRole::Learner,
        Some(state) if state.role == Role::Candidate.as_str() => v1::NodeRole::Candidate,
        Some(_) => v1::NodeRole::Follower,
    };
    let state = state.cloned().unwrap_or_default();
    v1::NodeStatus {
        name: node.name.to_string(),
        id,
        role: role.into(),
        grpc: node.grpc.clone(),
        http: node.http.clone(),
        reach: node.reach.clone(),
        applied_index: state.applied_index,
        version: state.version,
        samples_per_s: state.samples_per_s,
        uptime_ms: state.uptime_ms,
    }
}

fn segments(machine: &Machine, states: &BTreeMap<NodeId, v1::GetNodeStateResponse>) -> Vec<v1::SegmentStatus> {
    let site = machine.site();
    let status = |(name, ownership): (&str, labkeeper_machine::state::Ownership)| {
        let devices = site.devices.values().filter(|device| device.segment.as_str() == name).count();
        let online = ownership.owner.and_then(|id| states.get(&id)?.devices_online.get(name).copied());
        let home = site.segments.get(name).and_then(|segment| segment.home.clone());
        v1::SegmentStatus {
            name: name.to_owned(),
            owner: ownership.owner.map(|id| super::wire::node_name(machine, id)).unwrap_or_default(),
            epoch: ownership.epoch,
            lease_remaining_ms: None,
            home: home.map(|home| home.to_string()).unwrap_or_default(),
            devices: u32::try_from(devices).unwrap_or(u32::MAX),
            devices_online: online.unwrap_or(0),
        }
    };
    machine.ownerships().map(status).collect()
}
