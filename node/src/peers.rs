//! The other nodes: what each says of itself, and when it was last heard of.

use labkeeper_model::NodeId;
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, interval, timeout};

/// How often each node is asked for its state.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long one answer may take: less than the interval, so that questions never pile up.
const ANSWER_MAX: Duration = Duration::from_millis(400);
/// How long an answer counts: four questions.
pub const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// What is known of the other nodes.
#[derive(Debug, Default)]
pub struct Peers {
    states: Mutex<BTreeMap<NodeId, (Instant, v1::GetNodeStateResponse)>>,
    heard: Mutex<BTreeMap<NodeId, Instant>>,
}

impl Peers {
    /// A node's own words, if it has answered lately.
    #[must_use]
    pub fn state(&self, id: NodeId) -> Option<v1::GetNodeStateResponse> {
        let states = self.states.lock();
        let (at, state) = states.get(&id)?;
        (at.elapsed() < HEARD_WITHIN).then(|| state.clone())
    }

    /// Notes that a node's samples arrive.
    pub fn hear(&self, id: NodeId) {
        self.heard.lock().insert(id, Instant::now());
    }

    /// Whether a node's samples, or the signs of life between them, arrive.
    #[must_use]
    pub fn is_heard(&self, id: NodeId) -> bool {
        self.heard.lock().get(&id).is_some_and(|at| at.elapsed() < HEARD_WITHIN)
    }

    /// Asks all other nodes for their state, for ever.
    pub async fn run(&self, cluster: Cluster) {
        let mut ticks = interval(ASK_EVERY);
        loop {
            ticks.tick().await;
            let me = cluster.identity().map(|identity| identity.node_id);
            let others: Vec<(NodeId, String)> = cluster.read(|machine| {
                machine.nodes().iter().filter(|(id, _)| Some(**id) != me).map(|(id, node)| (*id, node.grpc.clone())).collect()
            });
            futures::future::join_all(others.into_iter().map(|(id, grpc)| self.ask(&cluster, id, grpc))).await;
        }
    }

    async fn ask(&self, cluster: &Cluster, id: NodeId, grpc: String) {
        let Ok(mut client) = cluster.peer(&grpc) else { return };
        let answer = timeout(ANSWER_MAX, client.get_node_state(v1::GetNodeStateRequest {})).await;
        let was_there = self.state(id).is_some();
        match answer {
            // Another node may have taken the address over.
            Ok(Ok(answer)) if answer.get_ref().node_id == id => {
                let state = answer.into_inner();
                if !was_there {
                    tracing::info!(node = state.name, grpc, "a node answers");
                }
                self.states.lock().insert(id, (Instant::now(), state));
            }
            _ if was_there => {}
            _ => {
                if self.states.lock().remove(&id).is_some() {
                    tracing::warn!(node = id, grpc, "a node does not answer any more");
                }
            }
        }
    }
}
