//! What was acknowledged is kept: a thousand setpoints from eight clients while nodes are killed at random, one or two at a
//! time. Afterwards every node tells the same story about each of them.
//!
//! `LABKEEPER_ROUNDS` asks for as many thousands, `LABKEEPER_SEED` repeats the faults.

use anyhow::Context as _;
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::load::{self, Load};
use labkeeper_tests::{Cluster, Oracle, chance};
use rand::RngExt as _;
use rand::rngs::StdRng;
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
    // Eight clients without a pause are done within a second; the faults need longer than that.
    let load = Load { clients: CLIENTS, pause: Duration::from_millis(60), tags: SETPOINTS as u64, first: 0, most: wanted };
    // Nobody but the load itself ends it, and with it the faults.
    let load = load::beside(done, load.run(&clients, watch::channel(false).1));
    let (told, kills) = tokio::join!(load, nemesis(&mut cluster, chance, is_done));
    let (told, kills) = (told.with_context(|| format!("LABKEEPER_SEED={seed}"))?, kills?);
    let mut oracle = Oracle::default();
    for command in told {
        oracle.told(command).map_err(anyhow::Error::msg)?;
    }
    println!("{} setpoints acknowledged across {kills} kills", oracle.len());
    assert_eq!(oracle.len() as u64, wanted);
    assert!(kills >= 3, "only {kills} kills: the load ended too soon to prove anything");

    cluster.settled().await?;
    cluster.applied(oracle.commands().map(|c| c.log_index).max().unwrap_or(0)).await?;
    oracle.ask_for_commands(&clients).await.with_context(|| format!("LABKEEPER_SEED={seed}"))?;
    oracle.ask_for_setpoints(&clients).await.with_context(|| format!("LABKEEPER_SEED={seed}"))?;
    cluster.finish()
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
