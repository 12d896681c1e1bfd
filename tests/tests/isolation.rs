//! A device that fails disturbs no other: the rest of its segment is polled and controlled as before, and the segment stays
//! where it is.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::{self, Quality};
use labkeeper_tests::client::quality;
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Cluster, Lab, wait};
use std::time::{Duration, Instant};

/// How long each fault is watched: thirty polls of the healthy neighbour.
const WATCHED: Duration = Duration::from_secs(3);
/// A healthy device's command takes some tens of milliseconds; a fault next door may not add a second to it.
const CONTROL_MAX: Duration = Duration::from_secs(1);
/// A bank is polled ten times a second; half of that is allowed to a machine that runs other tests.
const POLLS_MIN: usize = 15;

#[tokio::test]
async fn a_failing_device_disturbs_no_neighbour() -> anyhow::Result<()> {
    let lab = Lab::standard()?.bank("cryo", "neighbour")?.bank("cryo", "second")?;
    let cluster = Cluster::with_lab(3, lab).await?;
    let before = cluster.tenure("cryo").await?;
    let owner = cluster.nodes[before.0].client.clone();
    for (n, fault) in ["no_answer", "slow:2000", "garbage", "disconnect", "exception:4", "flood"].into_iter().enumerate() {
        cluster.plant.fault("bank-cryo", fault).await?;
        wait::until(&format!("{fault} to be seen"), wait::SOON, || async {
            let seen = quality(&owner.reading("cryo/bank-cryo/gain").await?);
            ensure!(seen != Quality::Good || fault == "flood", "{seen:?}");
            Ok(())
        })
        .await?;
        let polls = polls_within(&owner, "cryo/neighbour/level", WATCHED).await?;
        let taken = until_controlled(std::slice::from_ref(&owner), "cryo/neighbour/s03", n as u64 + 1, Instant::now()).await?;
        println!("{fault}: the neighbour was polled {polls} times in {WATCHED:?}, and its command took {taken:?}");
        assert!(polls >= POLLS_MIN, "{fault} slowed the neighbour down to {polls} polls in {WATCHED:?}");
        assert!(taken < CONTROL_MAX, "{fault} held the neighbour's command up for {taken:?}");
        cluster.plant.clear_fault("bank-cryo").await?;
        cluster.settled().await?;
    }
    assert_eq!(cluster.tenure("cryo").await?, before, "a segment does not move for one device of three");
    cluster.finish()
}

/// How many different samples of a tag the node had in a time.
async fn polls_within(node: &labkeeper_tests::Client, tag: &str, time: Duration) -> anyhow::Result<usize> {
    let began = Instant::now();
    let mut times = std::collections::BTreeSet::new();
    while began.elapsed() < time {
        let sample: v1::Sample = node.reading(tag).await?.sample.context("a sample")?;
        ensure!(sample.quality() == Quality::Good, "{tag} is {:?}", sample.quality());
        times.insert(sample.time_unix_ns);
        // The pace of looking, faster than the pace of polling.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    Ok(times.len())
}
