//! What was acknowledged is kept: a thousand setpoints from eight clients while nodes are killed at random, one or two at a
//! time. Afterwards every node tells the same story about each of them.
//!
//! `LABKEEPER_ROUNDS` asks for as many thousands, `LABKEEPER_SEED` repeats the faults.

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use labkeeper_proto::v1::value::Kind;
use labkeeper_proto::v1::{self};
use labkeeper_tests::client::setpoint;
use labkeeper_tests::cluster::set_anywhere;
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::{Client, Cluster, Oracle, chance};
use rand::RngExt as _;
use rand::rngs::StdRng;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Clients that send at the same time: enough that a kill finds commands at every stage of their path.
const CLIENTS: u64 = 8;
/// How long a node stays dead or alive: from shorter than an election to longer than two.
const PHASE_MS: std::ops::Range<u64> = 100..1_500;

#[tokio::test]
async fn a_thousand_acknowledged_setpoints_survive_random_kills() -> anyhow::Result<()> {
    let (seed, chance) = chance::from_environment();
    let wanted = 1_000 * u64::from(chance::rounds(1));
    let mut cluster = Cluster::start(3).await?;
    let clients = cluster.clients();
    let (done, is_done) = watch::channel(false);
    let taken = AtomicU64::new(0);

    let load = async {
        let told = try_join_all((0..CLIENTS).map(|n| client(&clients, n, wanted, &taken))).await;
        let _ = done.send(true);
        told
    };
    let (told, kills) = tokio::join!(load, nemesis(&mut cluster, chance, is_done));
    let (told, kills) = (told.context(format!("LABKEEPER_SEED={seed}"))?, kills?);
    let mut oracle = Oracle::default();
    for command in told.into_iter().flatten() {
        oracle.told(command).map_err(anyhow::Error::msg)?;
    }
    println!("{} setpoints acknowledged across {kills} kills", oracle.len());
    assert_eq!(oracle.len() as u64, wanted);
    assert!(kills >= 3, "only {kills} kills: the load ended too soon to prove anything");

    cluster.settled().await?;
    cluster.applied(oracle.commands().map(|c| c.log_index).max().unwrap_or(0)).await?;
    for node in &cluster.nodes {
        let mut known = BTreeMap::new();
        for id in oracle.commands().map(|c| c.id.clone()) {
            if let Ok(command) = node.client.command(&id).await {
                known.insert(id, command);
            }
        }
        let setpoints = node.client.readings("**").await?.into_iter().filter_map(|r| Some((r.tag, r.setpoint?))).collect();
        let wrong = [oracle.check_commands(&known), oracle.check_setpoints(&setpoints)].concat();
        assert!(wrong.is_empty(), "{} after LABKEEPER_SEED={seed}: {wrong:#?}", node.name);
    }
    cluster.finish()
}

/// Sends one setpoint after the other, each under a fresh id and with a value that nobody else uses, and each until it is
/// acknowledged.
async fn client(clients: &[Client], n: u64, wanted: u64, taken: &AtomicU64) -> anyhow::Result<Vec<v1::Command>> {
    let mut told = Vec::new();
    loop {
        let value = taken.fetch_add(1, Ordering::Relaxed);
        if value >= wanted {
            return Ok(told);
        }
        let segment = ["cryo", "furnace", "vacuum"][usize::try_from(value % 3)?];
        let tag = format!("{segment}/bank-{segment}/s{:02}", value % SETPOINTS as u64);
        let command = set_anywhere(clients, usize::try_from(n + value)?, setpoint(&tag, Kind::Unsigned(value))).await?;
        ensure!(command.revision > 0, "refused: {command:?}");
        told.push(command);
        // Eight clients without a pause are done within a second; the faults need longer than that.
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

/// Kills one node, sometimes two, lets some time pass, starts them again, and so on until the load is done.
async fn nemesis(cluster: &mut Cluster, mut chance: StdRng, mut is_done: watch::Receiver<bool>) -> anyhow::Result<u32> {
    let mut kills = 0;
    while !*is_done.borrow_and_update() {
        let first: usize = chance.random_range(0..3);
        // One time in four a majority is gone for a while, and the acknowledged must outlive that, too.
        let victims = if chance.random_ratio(1, 4) { vec![first, (first + 1) % 3] } else { vec![first] };
        for victim in &victims {
            cluster.nodes[*victim].kill9()?;
            kills += 1;
        }
        tokio::time::sleep(Duration::from_millis(chance.random_range(PHASE_MS))).await;
        for victim in victims {
            cluster.nodes[victim].launch()?;
        }
        let pause = Duration::from_millis(chance.random_range(PHASE_MS));
        let _ = tokio::time::timeout(pause, is_done.changed()).await;
    }
    for node in &mut cluster.nodes {
        node.answering().await?;
    }
    Ok(kills)
}
