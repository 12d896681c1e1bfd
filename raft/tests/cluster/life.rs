//! The life of a cluster in the order of a manual.

use crate::harness::{Node, PATIENCE, all_applied, apply_site, bytes, founded, leader, propose, soon, three, value};
use labkeeper_machine::Reply;
use labkeeper_model::{ErrorCode, Value};
use labkeeper_raft::{ClusterError, JoinStage, ReadKind, Role};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_founds_a_site_and_has_everything_again_after_a_crash() {
    let node = founded("a").await;
    assert_eq!(node.id(), 1);
    assert!(matches!(node.cluster.initialize(node.info()).await, Err(ClusterError::AlreadyInitialised)));
    apply_site(&node.cluster).await;
    for number in 1..=100 {
        propose(&node.cluster, number).await;
    }
    let (before, site) = (bytes(&node.cluster), node.cluster.identity());
    let (dir, address) = node.kill();

    let node = Node::start_with("a", dir, Some(address), |_| {}).await;
    tokio::time::timeout(PATIENCE, node.cluster.recovered()).await.expect("recovery");
    assert_eq!(node.cluster.identity(), site);
    assert_eq!(value(&node.cluster), Some(Value::F64(100.0)));
    propose(&node.cluster, 101).await;
    let replayed = labkeeper_raft::codec::snapshot::decode(&before).expect("own bytes");
    assert!(node.cluster.read(|m| m.dump().audit[..replayed.audit.len()] == replayed.audit[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_join_and_any_of_them_takes_a_command() {
    let nodes = three().await;
    let status = nodes[leader(&nodes).await].cluster.status();
    assert_eq!(status.voters.len(), 3);
    for (number, node) in (1..).zip(&nodes) {
        let proposed = propose(&node.cluster, number).await;
        all_applied(&nodes, proposed.log_index).await;
        for replica in &nodes {
            assert_eq!(value(&replica.cluster), Some(Value::F64(number as f64)), "on {}", replica.name);
            assert_eq!(bytes(&replica.cluster), bytes(&nodes[0].cluster), "{} differs", replica.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_tells_its_stages_and_may_be_repeated() {
    let first = founded("a").await;
    let second = Node::start("b").await;
    let mut stages = vec![];
    let identity = second.cluster.join(&first.address, second.info(), |stage| stages.push(stage)).await.expect("a join");
    assert_eq!(stages.first(), Some(&JoinStage::Admitted { node_id: identity.node_id }));
    assert_eq!(stages.last(), Some(&JoinStage::Voter));
    let again = second.cluster.join(&first.address, second.info(), |_| {}).await.expect("a repeated join");
    assert_eq!(again, identity);
    assert_eq!(first.cluster.read(|m| m.nodes().len()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_leader_is_killed() {
    let mut nodes = three().await;
    let mut number = 0;
    for _ in 0..2 {
        for _ in 0..20 {
            number += 1;
            propose(&nodes[number as usize % nodes.len()].cluster, number).await;
        }
        let killed = nodes.remove(leader(&nodes).await);
        let name = killed.name;
        let (dir, address) = killed.kill();
        number += 1;
        let proposed = propose(&nodes[0].cluster, number).await;
        let revision = match proposed.reply {
            Ok(Reply::Command(record)) => record.revision,
            other => panic!("{other:?}"),
        };
        assert_eq!(revision, number, "each acknowledged setpoint made one revision, none is missing and none twice");
        let node = Node::start_with(name, dir, Some(address), |_| {}).await;
        tokio::time::timeout(PATIENCE, node.cluster.recovered()).await.expect("recovery");
        nodes.push(node);
        all_applied(&nodes, proposed.log_index).await;
    }
    assert!(nodes.iter().all(|node| value(&node.cluster) == Some(Value::F64(number as f64))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_behind_a_barrier_sees_what_was_committed_before_on_any_node() {
    let nodes = three().await;
    for number in 1..=30 {
        propose(&nodes[number as usize % 3].cluster, number).await;
        let reader = &nodes[(number as usize + 1) % 3].cluster;
        let kind = if number % 2 == 0 { ReadKind::Lease } else { ReadKind::ReadIndex };
        reader.read_barrier(kind, soon()).await.expect("a barrier");
        assert_eq!(value(reader), Some(Value::F64(number as f64)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_moves_when_told_to() {
    let nodes = three().await;
    let from = leader(&nodes).await;
    let to = (from + 1) % 3;
    assert!(matches!(nodes[to].cluster.transfer(nodes[to].id()).await, Err(ClusterError::NotLeader { leader: Some(_) })));
    let term = nodes[from].cluster.status().term;
    let after = nodes[from].cluster.transfer(nodes[to].id()).await.expect("a transfer");
    assert!(after > term);
    assert_eq!(leader(&nodes).await, to);
    assert!(matches!(nodes[to].cluster.transfer(999).await, Err(ClusterError::UnknownNode(999))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_stop_hands_over_first() {
    let mut nodes = three().await;
    let stopped = nodes.remove(leader(&nodes).await);
    let term = stopped.cluster.status().term;
    stopped.cluster.shutdown().await;
    let next = leader(&nodes).await;
    assert_eq!(nodes[next].cluster.status().term, term + 1, "one election, asked for, and no time-out");
    propose(&nodes[1 - next].cluster, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_leave_and_the_last_one_stays() {
    let mut nodes = three().await;
    // A follower first.
    let at = leader(&nodes).await;
    let gone = nodes.remove((at + 1) % 3);
    let at = leader(&nodes).await;
    nodes[at].cluster.remove(gone.id(), "ann").await.expect("a removal");
    assert_eq!(nodes[at].cluster.status().voters.len(), 2);
    assert!(nodes[at].cluster.read(|m| !m.nodes().contains_key(&gone.id())));
    assert!(matches!(nodes[at].cluster.remove(gone.id(), "ann").await, Err(ClusterError::UnknownNode(_))));
    // Then the leader itself, which lets the other do it.
    let itself = nodes.remove(at);
    itself.cluster.remove(itself.id(), "ann").await.expect("a removal");
    let last = &nodes[0];
    assert_eq!(leader(&nodes).await, 0);
    assert_eq!(last.cluster.status().voters, [last.id()]);
    let error = last.cluster.remove(last.id(), "ann").await.expect_err("the last");
    assert_eq!(error.code(), ErrorCode::LastVoter);
    propose(&last.cluster, 1).await;
    assert_eq!(last.cluster.status().role, Role::Leader);
}
