//! A node as the status shows it: what the site knows of it, and what it says of itself.

use labkeeper_machine::Machine;
use labkeeper_machine::state::Session;
use labkeeper_model::NodeId;
use labkeeper_proto::v1;
use labkeeper_raft::{RaftStatus, Role};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every node of the site, ordered by name. `states` are their own words, as far as they answer.
pub(super) fn statuses(machine: &Machine, raft: &RaftStatus, states: &BTreeMap<NodeId, v1::GetNodeStateResponse>) -> Vec<v1::NodeStatus> {
    let mut nodes: Vec<v1::NodeStatus> = machine.nodes().keys().filter_map(|id| status(machine, *id, raft, states.get(id))).collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    nodes
}

fn status(machine: &Machine, id: NodeId, raft: &RaftStatus, state: Option<&v1::GetNodeStateResponse>) -> Option<v1::NodeStatus> {
    let node = machine.nodes().get(&id)?;
    let state_or_nothing = state.cloned().unwrap_or_default();
    Some(v1::NodeStatus {
        name: node.name.to_string(),
        id,
        role: role(id, raft, state).into(),
        grpc: node.grpc.clone(),
        http: node.http.clone(),
        reach: node.reach.clone(),
        applied_index: state_or_nothing.applied_index,
        version: state_or_nothing.version,
        samples_per_s: state_or_nothing.samples_per_s,
        uptime_ms: state_or_nothing.uptime_ms,
        session: machine.session(id).map(session),
        draining: machine.draining(id),
    })
}

fn role(id: NodeId, raft: &RaftStatus, state: Option<&v1::GetNodeStateResponse>) -> v1::NodeRole {
    match state {
        None => v1::NodeRole::Unreachable,
        Some(_) if raft.leader == Some(id) => v1::NodeRole::Leader,
        Some(_) if raft.learners.contains(&id) => v1::NodeRole::Learner,
        Some(state) if state.role == Role::Candidate.as_str() => v1::NodeRole::Candidate,
        Some(_) => v1::NodeRole::Follower,
    }
}

fn session(session: &Session) -> v1::SessionStatus {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let terms = session.terms;
    v1::SessionStatus {
        id: session.id,
        alive: session.alive,
        since_unix_ms: session.ended.unwrap_or(session.opened).as_millis(),
        renewed_unix_ms: session.renewed.as_millis(),
        renew_ms: millis(terms.renew),
        lease_ms: millis(terms.lease),
        guard_ms: millis(terms.guard),
        drift_ppm: terms.drift_ppm,
    }
}
