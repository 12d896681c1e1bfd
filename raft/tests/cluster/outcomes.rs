//! What a caller is told when there is no plain answer.

use crate::harness::{all_applied, leader, propose, set, soon, three, value};
use labkeeper_machine::Reply;
use labkeeper_model::{ErrorCode, Value};
use labkeeper_raft::{COMMAND_BYTES_MAX, ProposeError, ReadKind};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_handed_to_the_leader_once_and_then_in_doubt() {
    let nodes = three().await;
    let at = leader(&nodes).await;
    nodes[at].swallowed.on.store(true, Ordering::Relaxed);
    let follower = &nodes[(at + 1) % 3].cluster;
    let outcome = follower.propose(set(1), Instant::now() + Duration::from_millis(700)).await;
    assert_eq!(outcome, Err(ProposeError::TimedOut { in_doubt: true }));
    assert_eq!(nodes[at].swallowed.count.load(Ordering::Relaxed), 1);
    assert_eq!(outcome.map_err(|e| e.code()), Err(ErrorCode::CommitTimedOut));
    // The same command again is the same command.
    nodes[at].swallowed.on.store(false, Ordering::Relaxed);
    let first = propose(follower, 1).await;
    let again = propose(follower, 1).await;
    assert_eq!(first.reply, again.reply);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minority_decides_nothing_and_says_so_until_the_others_are_back() {
    let mut nodes = three().await;
    let at = leader(&nodes).await;
    let kept = nodes.remove(at);
    let killed: Vec<_> = nodes.into_iter().map(|node| (node.name, node.kill())).collect();
    let soon_over = || Instant::now() + Duration::from_millis(1_500);
    let error = kept.cluster.propose(set(1), soon_over()).await.expect_err("one of three");
    assert!(matches!(error, ProposeError::TimedOut { .. } | ProposeError::NoLeader { .. }), "{error:?}");
    let read = kept.cluster.read_barrier(ReadKind::ReadIndex, soon_over()).await;
    assert!(matches!(read, Err(ProposeError::NoLeader { .. } | ProposeError::TimedOut { in_doubt: false })), "{read:?}");
    let lease = kept.cluster.read_barrier(ReadKind::Lease, soon_over()).await;
    assert!(lease.is_err(), "a lease that nobody renews has run out");
    assert!(!kept.cluster.is_leader(), "whoever has no majority does not lead");

    let mut nodes = vec![kept];
    for (name, (dir, address)) in killed {
        nodes.push(crate::harness::Node::start_with(name, dir, Some(address), |_| {}).await);
    }
    let proposed = propose(&nodes[1].cluster, 2).await;
    all_applied(&nodes, proposed.log_index).await;
    assert_eq!(value(&nodes[0].cluster), Some(Value::F64(2.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commands_at_once_all_get_their_own_answers() {
    let nodes = three().await;
    let follower = nodes[(leader(&nodes).await + 1) % 3].cluster.clone();
    let tasks: Vec<_> = (1..=500)
        .map(|number| {
            let cluster = follower.clone();
            tokio::spawn(async move { (number, propose(&cluster, number).await) })
        })
        .collect();
    let mut revisions = vec![];
    let mut entries = std::collections::BTreeSet::new();
    for task in tasks {
        let (number, proposed) = task.await.expect("an answer");
        let Ok(Reply::Command(record)) = proposed.reply else { panic!("{:?}", proposed.reply) };
        assert_eq!(record.asked, Value::F64(f64::from(number as u32)), "the answer of another command");
        entries.insert(proposed.log_index);
        revisions.push(record.revision);
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=500).collect::<Vec<_>>());
    assert!(entries.len() < 500, "commands that wait share entries; here each had its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_command_or_too_large_is_refused_before_it_reaches_the_log() {
    let nodes = three().await;
    let cluster = &nodes[leader(&nodes).await].cluster;
    let before = cluster.status().last_log;
    let outcome = cluster.propose_here(bytes::Bytes::from_static(b"\xff\xff"), soon()).await;
    assert_eq!(outcome.map_err(|e| e.code()), Err(ErrorCode::BadRequest));
    let outcome = cluster.propose_here(vec![0; COMMAND_BYTES_MAX + 1].into(), soon()).await;
    assert_eq!(outcome.map_err(|e| e.code()), Err(ErrorCode::TooLarge));
    let outcome = cluster.propose(set(1), Instant::now()).await.expect_err("no time at all");
    assert!(matches!(outcome, ProposeError::TimedOut { .. } | ProposeError::NoLeader { .. }), "{outcome:?}");
    assert!(cluster.status().last_log <= before + 1);
}
