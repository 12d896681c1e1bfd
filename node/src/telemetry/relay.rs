//! Fetches the samples that the other nodes measure, so that every node can show all of them at any time.
//!
//! Each node pulls from each other node: with seven nodes 42 streams, each of at most one message per
//! [`FLUSH_EVERY`]. A stream begins with everything that its source has, so a reconnect needs no memory of the last one.

use super::filter::Filter;
use super::latest::Latest;
use crate::api::wire;
use crate::peers::Peers;
use labkeeper_model::{NodeId, TagPath};
use labkeeper_proto::v1;
use labkeeper_raft::Cluster;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long samples are gathered into one message: a person cannot see it, and 40 messages a second cost nothing.
pub const FLUSH_EVERY: Duration = Duration::from_millis(25);
/// A sign of life between samples: a quarter of what counts as silence.
const ALIVE_EVERY: Duration = Duration::from_millis(500);
/// Silence after which a stream is taken for dead and made anew.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// Pause before a lost stream is made anew.
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// Most samples in one message: at 60 bytes each half a megabyte, under gRPC's limit of four.
const MESSAGE_SAMPLES_MAX: usize = 8_000;

/// Keeps one stream from every other node of the site, for ever.
pub async fn run(cluster: Cluster, me: NodeId, latest: Arc<Latest>, peers: Arc<Peers>) {
    let mut streams: BTreeMap<NodeId, (String, JoinHandle<()>)> = BTreeMap::new();
    let mut applied = cluster.applied();
    loop {
        let nodes: BTreeMap<NodeId, String> =
            cluster.read(|machine| machine.nodes().iter().filter(|(id, _)| **id != me).map(|(id, n)| (*id, n.grpc.clone())).collect());
        streams.retain(|id, (grpc, task)| {
            let stays = nodes.get(id) == Some(grpc);
            if !stays {
                task.abort();
            }
            stays
        });
        for (id, grpc) in nodes {
            streams.entry(id).or_insert_with(|| {
                let task = tokio::spawn(follow(id, grpc.clone(), me, cluster.clone(), latest.clone(), peers.clone()));
                (grpc, task)
            });
        }
        if applied.changed().await.is_err() {
            return;
        }
        sleep(FLUSH_EVERY).await;
    }
}

async fn follow(id: NodeId, grpc: String, me: NodeId, cluster: Cluster, latest: Arc<Latest>, peers: Arc<Peers>) {
    loop {
        let my_name = cluster.read(|machine| wire::node_name(machine, me));
        match follow_once(id, &grpc, my_name, &cluster, &latest, &peers).await {
            Ok(()) => tracing::debug!(node = id, grpc, "a node's samples ended"),
            Err(status) => tracing::debug!(node = id, grpc, %status, "a node's samples are out of reach"),
        }
        sleep(RECONNECT_AFTER).await;
    }
}

async fn follow_once(
    id: NodeId,
    grpc: &str,
    my_name: String,
    cluster: &Cluster,
    latest: &Latest,
    peers: &Peers,
) -> Result<(), tonic::Status> {
    let mut client = cluster.peer(grpc).map_err(|error| tonic::Status::invalid_argument(error.to_string()))?;
    let silent = |_| tonic::Status::deadline_exceeded("silence");
    let request = v1::WatchOwnedRequest { node: my_name };
    let mut stream = timeout(SILENCE_MAX, client.watch_owned(request)).await.map_err(silent)??.into_inner();
    let mut tags: Vec<Option<(u32, TagPath)>> = vec![];
    while let Some(message) = timeout(SILENCE_MAX, stream.message()).await.map_err(silent)?? {
        peers.hear(id);
        let current = cluster.read(|machine| current(&message.segments, |segment| machine.ownership(segment).epoch));
        tags.extend(message.names.iter().map(|name| TagPath::parse(name).ok().map(|path| (latest.id(&path), path))));
        for owned in message.samples {
            let Some(Some((tag, path))) = tags.get(owned.id as usize) else { continue };
            if let Some(sample) = owned.sample.and_then(|sample| wire::sample_from(&sample))
                && current.contains(path.segment())
            {
                latest.publish(*tag, id, sample);
            }
        }
    }
    Ok(())
}

/// The segments of which a node's samples count: those that it says it owns under an epoch that is not older than the one known here. A
/// node that was frozen or cut off goes on believing in its epoch for a while, and its last samples must not hide its successor's. One that
/// is ahead of this node's replica is believed.
fn current(claimed: &[v1::OwnedSegment], known: impl Fn(&str) -> u64) -> BTreeSet<String> {
    let is_current = |claim: &&v1::OwnedSegment| claim.epoch >= known(&claim.segment);
    claimed.iter().filter(is_current).map(|claim| claim.segment.clone()).collect()
}

/// The other end: sends what this node has measured into `out` until its receiver is gone.
pub async fn serve(latest: Arc<Latest>, me: NodeId, cluster: Cluster, out: mpsc::Sender<Result<v1::WatchOwnedResponse, tonic::Status>>) {
    let subscription = latest.subscribe(Filter::by_origin(me));
    // The stream's own ids, by the table's.
    let mut ids: HashMap<u32, u32> = HashMap::new();
    loop {
        let pending = timeout(ALIVE_EVERY, subscription.changed()).await.map(|()| subscription.take()).unwrap_or_default();
        for ids_of_message in split(pending) {
            let message = message(&latest, &cluster, me, &ids_of_message, &mut ids);
            if out.send(Ok(message)).await.is_err() {
                return;
            }
        }
        sleep(FLUSH_EVERY).await;
    }
}

/// Pieces of at most one message; nothing pending is one empty piece, a sign of life.
fn split(pending: Vec<u32>) -> Vec<Vec<u32>> {
    if pending.is_empty() {
        return vec![vec![]];
    }
    pending.chunks(MESSAGE_SAMPLES_MAX).map(<[u32]>::to_vec).collect()
}

fn message(latest: &Latest, cluster: &Cluster, me: NodeId, pending: &[u32], ids: &mut HashMap<u32, u32>) -> v1::WatchOwnedResponse {
    let segments = cluster.read(|machine| {
        let owned = machine.ownerships().filter(|(_, ownership)| ownership.owner == Some(me));
        owned.map(|(segment, ownership)| v1::OwnedSegment { segment: segment.to_owned(), epoch: ownership.epoch }).collect()
    });
    let mut response = v1::WatchOwnedResponse { segments, ..Default::default() };
    for (table_id, path, measured) in latest.rows(pending) {
        let fresh = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let id = *ids.entry(table_id).or_insert_with(|| {
            response.names.push(path.to_string());
            fresh
        });
        response.samples.push(v1::OwnedSample { id, sample: Some(wire::sample(&measured.sample)) });
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_owners_samples_do_not_count() {
        let claim = |segment: &str, epoch| v1::OwnedSegment { segment: segment.into(), epoch };
        let claimed = [claim("cryo", 4), claim("furnace", 7), claim("vacuum", 9)];
        let known = |segment: &str| if segment == "cryo" { 5 } else { 7 };
        let expected = ["furnace".to_owned(), "vacuum".to_owned()];
        assert_eq!(current(&claimed, known), expected.into());
    }
}
