//! A node that comes late gets a snapshot, in chunks, while the others go on.

use crate::harness::{Node, PATIENCE, all_applied, bytes, propose, site, soon, value};
use labkeeper_machine::{Command, Reply};
use labkeeper_model::{Name, Value};
use labkeeper_raft::Options;
use labkeeper_raft::network::CHUNK_BYTES_MAX;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn often(options: &mut Options) {
    options.snapshot_every = 200;
    options.snapshot_keep = 50;
}

/// A declaration of more than two chunks.
fn large() -> Command {
    let mut site = site();
    let device = site.devices.values().next().cloned().expect("a device");
    let tag = device.tags.values().next().cloned().expect("a tag");
    for number in 0..1_400_u16 {
        let mut device = device.clone();
        device.address = format!("127.0.0.1:{}", 1_000 + number);
        let register = labkeeper_model::site::Register { address: 4, ..tag.register };
        let tag = labkeeper_model::site::TagSpec { description: "x".repeat(1_800), register, ..tag.clone() };
        device.tags.insert(Name::new("described").expect("a name"), tag);
        site.devices.insert(Name::new(&format!("device-{number}")).expect("a name"), device);
    }
    Command::ApplySite { site, expected_version: None, actor: "ann".into(), reason: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_node_gets_a_snapshot_while_the_others_go_on() {
    let first = Node::start_with("a", tempfile::tempdir().expect("a directory"), None, often).await;
    first.cluster.initialize(first.info()).await.expect("a site");
    let applied = first.cluster.propose(large(), soon()).await.expect("an outcome");
    assert_eq!(applied.reply.map_err(|rejection| rejection.message), Ok(Reply::SiteVersion(1)));
    for number in 1..=600 {
        propose(&first.cluster, number).await;
    }
    assert!(bytes(&first.cluster).len() > 2 * CHUNK_BYTES_MAX, "one chunk would show nothing");
    assert!(first.cluster.status().snapshot > 0, "{:?}", first.cluster.status());

    // Somebody goes on writing all the while.
    let (writer, over) = (first.cluster.clone(), Arc::new(AtomicBool::new(false)));
    let stop = over.clone();
    let writing = tokio::spawn(async move {
        let mut number = 600;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            propose(&writer, number).await;
        }
        number
    });
    let late = Node::start_with("b", tempfile::tempdir().expect("a directory"), None, often).await;
    late.join(&first).await;
    over.store(true, Ordering::Relaxed);
    let last = writing.await.expect("a number");
    assert!(last > 601, "nothing was committed while the snapshot was on its way");
    assert!(late.cluster.status().snapshot > 0, "it came by snapshot, not by log: {:?}", late.cluster.status());

    let proposed = propose(&late.cluster, last + 1).await;
    let nodes = [first, late];
    all_applied(&nodes, proposed.log_index).await;
    assert_eq!(bytes(&nodes[0].cluster), bytes(&nodes[1].cluster));

    // And from its own copy of the snapshot after a crash.
    let [first, late] = nodes;
    let before = late.cluster.status().applied;
    let (dir, address) = late.kill();
    let late = Node::start_with("b", dir, Some(address), often).await;
    assert!(late.cluster.read(labkeeper_machine::Machine::applied) > 0, "the snapshot is there before any other node answers");
    tokio::time::timeout(PATIENCE, late.cluster.recovered()).await.expect("recovery");
    all_applied(&[late], before).await;
    assert_eq!(value(&first.cluster), Some(Value::F64((last + 1) as f64)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_for_long_catches_up_by_snapshot() {
    let first = Node::start_with("a", tempfile::tempdir().expect("a directory"), None, often).await;
    first.cluster.initialize(first.info()).await.expect("a site");
    crate::harness::apply_site(&first.cluster).await;
    let mut others = vec![];
    for name in ["b", "c"] {
        let node = Node::start_with(name, tempfile::tempdir().expect("a directory"), None, often).await;
        node.join(&first).await;
        others.push(node);
    }
    let away = others.remove(0);
    let (name, (dir, address)) = (away.name, away.kill());
    for number in 1..=900 {
        propose(&others[0].cluster, number).await;
    }
    let back = Node::start_with(name, dir, Some(address), often).await;
    tokio::time::timeout(PATIENCE, back.cluster.recovered()).await.expect("recovery");
    let proposed = propose(&back.cluster, 901).await;
    let nodes = [first, back];
    all_applied(&nodes, proposed.log_index).await;
    assert_eq!(bytes(&nodes[0].cluster), bytes(&nodes[1].cluster));
}
