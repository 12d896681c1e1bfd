//! Founding and joining go on wherever a crash left off.

use crate::harness::{Node, founded, leader, propose, set, soon};
use labkeeper_raft::{ClusterError, JoinStage};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn founding_goes_on_after_a_crash_at_any_moment() {
    let mut crash_after = Duration::from_millis(2);
    let mut node = Node::start("a").await;
    let mut known = None;
    let until = soon();
    loop {
        assert!(Instant::now() < until, "never founded");
        let founding = tokio::time::timeout(crash_after, node.cluster.initialize(node.info())).await;
        let identity = node.cluster.identity();
        assert!(known.is_none() || known == identity, "a site that was begun is another: {known:?}, {identity:?}");
        known = identity;
        match founding {
            Ok(Ok(_) | Err(ClusterError::AlreadyInitialised)) => break,
            // What was killed a moment ago is still closing its files: it is in this very process.
            Err(_) | Ok(Err(ClusterError::Open(_))) => {}
            Ok(Err(error)) => panic!("{error}"),
        }
        let (dir, address) = node.kill();
        node = Node::start_with("a", dir, Some(address), |_| {}).await;
        crash_after = crash_after * 3 / 2;
    }
    assert_eq!(node.cluster.read(|m| m.site_id()), known.map(|identity| identity.site_id));
    crate::harness::apply_site(&node.cluster).await;
    propose(&node.cluster, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_goes_on_after_a_crash_between_any_two_steps() {
    let first = founded("a").await;
    let node = Node::start("b").await;
    // It was admitted, and crashed before it wrote that down.
    let admitted = first.cluster.admit(node.info()).await.expect("a number");
    let (dir, address) = node.kill();
    let node = Node::start_with("b", dir, Some(address), |_| {}).await;
    assert_eq!(node.cluster.identity(), None);
    // It wrote that down, and crashed before it was promoted.
    let (sender, mut stages) = tokio::sync::mpsc::unbounded_channel();
    tokio::select! {
        joined = node.cluster.join(&first.address, node.info(), |stage| sender.send(stage).expect("the test listens")) => drop(joined.expect("a join")),
        stage = stages.recv() => assert_eq!(stage, Some(JoinStage::Admitted { node_id: admitted.node_id })),
    }
    assert_eq!(node.cluster.identity(), Some(admitted));
    let (dir, address) = node.kill();
    let node = Node::start_with("b", dir, Some(address), |_| {}).await;
    let joined = node.cluster.join(&first.address, node.info(), |_| {}).await.expect("a join");
    assert_eq!(joined, admitted);
    assert_eq!(first.cluster.read(|m| m.nodes().len()), 2, "no number was given twice");
    let nodes = [first, node];
    let at = leader(&nodes).await;
    assert_eq!(nodes[at].cluster.status().voters, [1, admitted.node_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_that_moved_is_found_even_when_nothing_can_be_decided_without_it() {
    let first = founded("a").await;
    let second = Node::start("b").await;
    second.join(&first).await;
    let id = second.id();
    let (dir, old) = second.kill();
    // Whatever the first takes in meanwhile puts its log ahead: the other cannot win an election, and is not where it was.
    let stuck = first.cluster.propose(set(1), Instant::now() + Duration::from_millis(200)).await;
    assert!(stuck.is_err(), "one of two decided: {stuck:?}");
    let second = Node::start_with("b", dir, None, |_| {}).await;
    assert_ne!(second.address, old);
    let until = soon();
    while let Err(error) = second.cluster.announce(second.info()).await {
        assert!(Instant::now() < until, "{error}");
    }
    let nodes = [first, second];
    let at = leader(&nodes).await;
    assert_eq!(nodes[at].cluster.read(|m| m.nodes()[&id].grpc.clone()), nodes[1].address);
    assert_eq!(nodes[at].cluster.address_of(id), Some(nodes[1].address.clone()));
}
