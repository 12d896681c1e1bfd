//! How consensus stands on this node, as plain data.

use crate::types::{Metrics, ServerMetrics, millis_since};
use labkeeper_model::{LogIndex, NodeId};
use openraft::ServerState;
use openraft_rt::AsyncRuntime;
use std::time::Duration;

/// What a node does in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It belongs to no site, or consensus has stopped.
    #[default]
    None,
    /// Leads.
    Leader,
    /// Votes and follows.
    Follower,
    /// Follows without a vote.
    Learner,
    /// Asks for votes.
    Candidate,
}

impl Role {
    /// Stable words: "leader", "follower", "learner", "candidate", "none".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::Candidate => "candidate",
        }
    }
}

/// How consensus stands on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaftStatus {
    /// The node's number; `None` if it belongs to no site.
    pub node_id: Option<NodeId>,
    /// What it does. "Leader" is its own belief; [`RaftStatus::quorum_acked_ago`] says how fresh the proof is.
    pub role: Role,
    /// The election term.
    pub term: u64,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// The voters, in order.
    pub voters: Vec<NodeId>,
    /// The learners, in order.
    pub learners: Vec<NodeId>,
    /// Index of the last entry in its log.
    pub last_log: LogIndex,
    /// Index of the last entry that it applied.
    pub applied: LogIndex,
    /// Index of the last entry in its snapshot; 0 if it has none.
    pub snapshot: LogIndex,
    /// On the leader: how long ago a majority last confirmed it.
    pub quorum_acked_ago: Option<Duration>,
}

impl RaftStatus {
    /// Reads the consensus core's own figures. It tells them in two messages, one after the other: who is who comes from `server`,
    /// which alone says when that changes.
    pub(crate) fn of<Rt: AsyncRuntime>(server: &ServerMetrics<Rt>, metrics: &Metrics<Rt>) -> Self {
        let membership = server.membership_config.membership();
        Self {
            node_id: Some(server.id),
            role: role(server.state),
            term: server.vote.leader_id.term,
            leader: server.current_leader,
            voters: membership.voter_ids().collect(),
            learners: membership.learner_ids().collect(),
            last_log: metrics.last_log_index.unwrap_or(0),
            applied: metrics.last_applied.map_or(0, |id| id.index),
            snapshot: metrics.snapshot.map_or(0, |id| id.index),
            quorum_acked_ago: millis_since::<Rt>(metrics),
        }
    }
}

const fn role(state: ServerState) -> Role {
    match state {
        ServerState::Leader => Role::Leader,
        ServerState::Follower => Role::Follower,
        ServerState::Learner => Role::Learner,
        ServerState::Candidate => Role::Candidate,
        ServerState::Shutdown => Role::None,
    }
}
