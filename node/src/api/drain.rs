//! Planned work of operators on ownership: draining a node and letting it back in, and confirming held tags.
//!
//! ```text
//!   asked --another node can take each segment--> in force, as an entry of the log --segments move--> done, or time is up
//!     \__ unknown node, or nobody else for a segment: refused, and nothing is changed
//! ```
//!
//! The machine decides who gets what and each owner lets go by itself; here it is only asked for, watched and told.

use super::commit::{commit, once};
use super::request::tag;
use super::status::takeovers;
use super::wire;
use crate::error::ApiError;
use labkeeper_machine::{Command, Machine, Why};
use labkeeper_model::{ErrorCode, LogIndex, NodeId};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// How long a client waits, if it does not say.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
/// Longest wait that a client may ask for.
const WAIT_MAX: Duration = Duration::from_secs(600);
/// How long the new owners' words about their takeovers are waited for once everything is handed over: connecting and reading a device
/// that does not answer takes a second or so, three times.
const WORDS_MAX: Duration = Duration::from_secs(3);

/// A drain that is in force, to be followed.
pub struct Drain {
    cluster: Cluster,
    node: NodeId,
    /// The entry that ordered it: what was handed over after it counts.
    since: LogIndex,
    until: Instant,
}

impl Drain {
    /// Puts a drain in force.
    ///
    /// # Errors
    /// No such node, nobody else for one of its segments, a wait that is too long, or no majority confirmed it in time.
    pub async fn order(cluster: &Cluster, request: v1::DrainNodeRequest) -> Result<Self, ApiError> {
        let wait = Duration::from_millis(request.wait_ms_max.into());
        if wait > WAIT_MAX {
            let what = format!("wait_ms_max is {}, more than {}", request.wait_ms_max, WAIT_MAX.as_millis());
            return Err(ApiError::new(ErrorCode::BadRequest, what));
        }
        let until = Instant::now() + if wait.is_zero() { WAIT_DEFAULT } else { wait };
        let node = cluster.read(|machine| {
            let node = id_of(machine, &request.node)?;
            must_be_replaceable(machine, node, &request.node).map(|()| node)
        })?;
        let command = Command::SetDraining { node, draining: true, actor: request.actor, reason: request.reason };
        let since = commit(cluster, once(&request.id, command)?).await?;
        Ok(Self { cluster: cluster.clone(), node, since, until })
    }

    /// Tells of it until it is done, time is up, or nobody listens.
    pub async fn follow(self, out: mpsc::Sender<Result<v1::DrainNodeResponse, tonic::Status>>) {
        let mut applied = self.cluster.applied();
        // This node may not have what it asked for yet; what it saw before would be taken for the outcome.
        if !matches!(timeout_at(self.until, applied.wait_for(|index| *index >= self.since)).await, Ok(Ok(_))) {
            return;
        }
        let mut told = None;
        let mut free_since = None;
        loop {
            let mut progress = self.cluster.read(|machine| progress(machine, self.node, self.since));
            if progress.left.is_empty() {
                let silent_for = free_since.get_or_insert_with(Instant::now).elapsed();
                progress.done |= silent_for >= WORDS_MAX;
            }
            let is_last = progress.done;
            if told.as_ref() != Some(&progress) && out.send(Ok(progress.clone())).await.is_err() {
                return;
            }
            told = Some(progress);
            if is_last || Instant::now() >= self.until {
                return;
            }
            // Words that do not come are no change to wait for.
            let look_again = self.until.min(Instant::now() + WORDS_MAX);
            if matches!(timeout_at(look_again, applied.changed()).await, Ok(Err(_))) {
                return;
            }
        }
    }
}

/// Lets a drained node own segments again.
///
/// # Errors
/// No such node, or no majority confirmed it in time.
pub async fn undrain(cluster: &Cluster, request: v1::UndrainNodeRequest) -> Result<(), ApiError> {
    let node = cluster.read(|machine| id_of(machine, &request.node))?;
    let command = Command::SetDraining { node, draining: false, actor: request.actor, reason: request.reason };
    commit(cluster, once(&request.id, command)?).await.map(drop)
}

/// Confirms that a held tag may be written again.
///
/// # Errors
/// No such tag, or no majority confirmed it in time.
pub async fn confirm(cluster: &Cluster, request: v1::ConfirmHoldRequest) -> Result<(), ApiError> {
    let tag = tag(&request.tag)?;
    let command = Command::ReleaseHold { tag, actor: request.actor, reason: request.reason };
    commit(cluster, once(&request.id, command)?).await.map(drop)
}

fn id_of(machine: &Machine, name: &str) -> Result<NodeId, ApiError> {
    let id = machine.node_by_name(name).map(|(id, _)| id);
    id.ok_or_else(|| ApiError::new(ErrorCode::UnknownNode, format!("the site has no node {name:?}")))
}

/// Whether some other node could take each segment that the node owns. One that is drained already was asked for before; what changed since
/// then is for its progress to say.
fn must_be_replaceable(machine: &Machine, node: NodeId, name: &str) -> Result<(), ApiError> {
    if machine.draining(node) {
        return Ok(());
    }
    let owned = machine.ownerships().filter(|(_, ownership)| ownership.owner == Some(node));
    let stuck: Vec<String> = owned.filter_map(|(segment, _)| why_stuck(machine, node, segment)).collect();
    if stuck.is_empty() {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::NoOtherOwner, format!("{name} is the only node that can own {}", stuck.join("; "))))
}

/// A segment with what keeps every other node from it; `None` if one can take it.
fn why_stuck(machine: &Machine, node: NodeId, segment: &str) -> Option<String> {
    let others: Vec<_> = machine.placement(segment)?.candidates.into_iter().filter(|candidate| candidate.node != node).collect();
    if others.iter().any(|other| other.eligible && !matches!(other.why, Why::Poor { .. })) {
        return None;
    }
    let reasons: Vec<String> = others.iter().map(|other| format!("{} {}", wire::node_name(machine, other.node), other.why)).collect();
    Some(if reasons.is_empty() { format!("{segment} (there is no other)") } else { format!("{segment} ({})", reasons.join(", ")) })
}

/// How far a drain has got.
fn progress(machine: &Machine, node: NodeId, since: LogIndex) -> v1::DrainNodeResponse {
    let left = machine.ownerships().filter(|(_, ownership)| ownership.owner == Some(node));
    let left: Vec<String> = left.map(|(segment, _)| segment.to_owned()).collect();
    let handed_over = machine.takeovers().filter(|record| record.from == Some(node) && record.log_index >= since);
    let handed_over: Vec<v1::TakeoverStatus> = handed_over.map(|record| takeovers::status(machine, record)).collect();
    let done = left.is_empty() && handed_over.iter().all(|takeover| takeover.enabled_ms.is_some());
    v1::DrainNodeResponse { left, handed_over, done }
}

#[cfg(test)]
#[path = "drain_tests.rs"]
mod tests;
