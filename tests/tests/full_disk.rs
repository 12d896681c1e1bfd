//! A disk that is full: the node ends with a clear error instead of limping on, and with space again it has everything that
//! it acknowledged. Needs root for a small file system of its own.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::setpoint;
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::{Cluster, Nemesis, Oracle, Step, Who, wait};
use std::time::{Duration, Instant};

/// Longest time until the node has noticed: the disk is full after some two thousand setpoints, which take seconds.
const NOTICED_MAX: Duration = Duration::from_secs(60);
/// Room for a store of some thousand entries, and filled within seconds.
const DISK_MIB: u32 = 24;

#[tokio::test]
async fn a_full_disk_ends_the_node_with_a_clear_error_and_loses_nothing() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounting a small file system needs root");
        return Ok(());
    }
    let mut cluster = Cluster::start(1).await?;
    cluster.nodes[0].stop().await?;
    let mut nemesis = Nemesis::default();
    nemesis.small_disk(&cluster, 0, DISK_MIB)?;
    nemesis.take(&mut cluster, &[Step::Restart, Step::Settle]).await?;

    let mut oracle = Oracle::default();
    nemesis.take(&mut cluster, &[Step::DiskFull(Who::Node(0))]).await?;
    let began = Instant::now();
    let mut value = 0;
    while cluster.nodes[0].process()?.ended()?.is_none() {
        ensure!(began.elapsed() < NOTICED_MAX, "after {value} setpoints and {NOTICED_MAX:?} the node still runs");
        let tag = format!("cryo/bank-cryo/s{:02}", value % SETPOINTS as u64);
        if let Ok(command) = cluster.nodes[0].client.set(setpoint(&tag, Kind::Unsigned(value))).await {
            oracle.told(command).map_err(anyhow::Error::msg)?;
        }
        value += 1;
    }
    let status = cluster.nodes[0].process()?.end(wait::SOON).await?;
    let log = cluster.nodes[0].log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("LAB1008"), "{log}");
    println!("{} setpoints were acknowledged before the disk was full", oracle.len());
    assert!(!oracle.is_empty(), "nothing was acknowledged, so nothing could be lost");

    nemesis.take(&mut cluster, &[Step::MendDisks]).await?;
    cluster.nodes[0].start().await?;
    cluster.settled().await?;
    for told in oracle.commands() {
        let command = cluster.nodes[0].client.command(&told.id).await.context("an acknowledged command")?;
        assert_eq!((command.revision, command.log_index), (told.revision, told.log_index));
    }
    cluster.finish()
}
