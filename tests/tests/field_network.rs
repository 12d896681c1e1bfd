//! A node that lives, and whose network to the devices is dead: its segment goes to one that reaches them, comes home when it
//! reaches them again, and stays where it is when nobody does.

use anyhow::ensure;
use labkeeper_proto::v1::GrantCause;
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Cluster, Evidence, Lab, Nemesis, Setup, Step, Who, wait};
use std::time::{Duration, Instant};

/// Until an owner reports that it reaches nothing (3 s), another has probed and the segment has moved; four times that.
const MOVED_MAX: Duration = Duration::from_secs(20);
/// Long enough for three reports, probes and a cool-down (10 s) of a segment that wanders.
const WATCHED: Duration = Duration::from_secs(14);

#[tokio::test]
async fn a_segment_follows_the_reach_of_its_devices_and_comes_home() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let (owner, epoch) = cluster.tenure("cryo").await?;
    nemesis.take(&mut cluster, &[Step::CutField(Who::Node(owner))]).await?;
    let cut = Instant::now();
    wait::until("the segment to move", MOVED_MAX, || moved(&cluster, owner, epoch)).await?;
    println!("field network cut: with another after {:?}", cut.elapsed());
    // The one that was cut off from the field is well otherwise, and takes commands for all.
    let through_it = [cluster.nodes[owner].client.clone()];
    let gap = until_controlled(&through_it, "cryo/bank-cryo/s03", 3, cut).await?;
    println!("controlled again after {gap:?}");
    evidence.note(&cluster).await?;
    let causes: Vec<GrantCause> = evidence.grants().values().map(labkeeper_proto::v1::TakeoverStatus::cause).collect();
    assert!(causes.contains(&GrantCause::Reach), "{causes:?}");

    nemesis.take(&mut cluster, &[Step::RestoreField(Who::Node(owner))]).await?;
    cluster.at_home().await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}

/// Another node can connect to it as well, and would get no more answers.
#[tokio::test]
async fn a_device_that_is_silent_by_its_own_fault_is_not_handed_round() -> anyhow::Result<()> {
    let cluster = Cluster::start(3).await?;
    let before = cluster.tenure("cryo").await?;
    cluster.plant.fault("bank-cryo", "no_answer").await?;
    tokio::time::sleep(WATCHED).await;
    assert_eq!(cluster.tenure("cryo").await?, before, "nobody gets an answer from its device");
    cluster.plant.clear_fault("bank-cryo").await?;
    cluster.settled().await?;
    cluster.finish()
}

async fn moved(cluster: &Cluster, from: usize, epoch: u64) -> anyhow::Result<()> {
    let tenure = cluster.tenure("cryo").await?;
    ensure!(tenure.0 != from && tenure.1 > epoch, "{tenure:?}");
    Ok(())
}

#[tokio::test]
async fn a_segment_that_nobody_reaches_stays_where_it_is() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    if cluster.network.as_ref().is_some_and(|network| !network.loses_handshakes()) {
        println!("SKIPPED: before proxies every device can be connected to, which is what reaching it means");
        return cluster.finish();
    }
    let before = cluster.tenure("cryo").await?;
    let cut: Vec<Step> = (0..3).map(|node| Step::CutField(Who::Node(node))).collect();
    nemesis.take(&mut cluster, &cut).await?;
    nemesis.take(&mut cluster, &[Step::Wait(WATCHED)]).await?;
    assert_eq!(cluster.tenure("cryo").await?, before, "it moved although nobody reaches its device");
    nemesis.take(&mut cluster, &[Step::Heal, Step::Settle]).await?;
    // The owner pauses between its tries, so another may reach the device first once the network is back, and get it: one move at most.
    let after = cluster.tenure("cryo").await?;
    assert!(after.1 <= before.1 + 1, "it went to and fro: {before:?}, then {after:?}");
    evidence.judge(&cluster).await?;
    cluster.finish()
}
