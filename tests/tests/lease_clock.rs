//! Clocks that are wrong: wall clocks that jump by hours change nothing about who owns what, and boot clocks that run fast or
//! slow within what is declared (1 %) let nobody drive beside another.
//!
//! Takeovers are judged by the order in which writes reached the devices, since no node's time can be believed here.

use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Cluster, Evidence, Lab, Nemesis, Setup, Step, Who};
use std::time::{Duration, Instant};

const HOUR_MS: i64 = 3_600_000;
/// Longer than the lease, its guard and an election together.
const LONG: Duration = Duration::from_secs(4);

async fn start() -> anyhow::Result<Cluster> {
    Setup::new(3, Lab::for_bad_days()?).with_network().with_clocks().start().await
}

#[tokio::test]
async fn a_wall_clock_that_jumps_moves_no_segment() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let mut before = Vec::new();
    for segment in ["cryo", "furnace", "vacuum"] {
        before.push(cluster.tenure(segment).await?);
    }
    for ms in [HOUR_MS, -2 * HOUR_MS, HOUR_MS] {
        let jump = [Step::ClockStep(Who::Leader, ms), Step::Wait(Duration::from_secs(1)), Step::ClockStep(Who::Owner("cryo"), -ms)];
        nemesis.take(&mut cluster, &jump).await?;
        nemesis.take(&mut cluster, &[Step::Wait(Duration::from_secs(1))]).await?;
    }
    let mut after = Vec::new();
    for segment in ["cryo", "furnace", "vacuum"] {
        after.push(cluster.tenure(segment).await?);
    }
    assert_eq!(after, before, "after\n{}", nemesis.story());
    until_controlled(&cluster.clients(), "cryo/bank-cryo/s03", 3, Instant::now()).await?;
    evidence.judge_without_clocks(&cluster).await?;
    cluster.finish()
}

#[tokio::test]
async fn takeovers_are_safe_while_clocks_drift_against_each_other() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let (owner, epoch) = cluster.tenure("cryo").await?;
    let others = cluster.clients_but(owner);
    // The worst case: the owner's clock is slow, so it believes longest; everybody else's is fast.
    let mut drift = vec![Step::ClockRate(Who::Node(owner), 0.99)];
    drift.extend((0..3).filter(|node| *node != owner).map(|node| Step::ClockRate(Who::Node(node), 1.01)));
    nemesis.take(&mut cluster, &drift).await?;
    for (n, fault) in [Step::Freeze(Who::Node(owner)), Step::Isolate(Who::Node(owner))].into_iter().enumerate() {
        nemesis.take(&mut cluster, std::slice::from_ref(&fault)).await?;
        let gap = until_controlled(&others, "cryo/bank-cryo/s03", 10 + n as u64, Instant::now()).await?;
        println!("{fault:?} with clocks 2 % apart: controlled again after {gap:?}");
        nemesis.take(&mut cluster, &[Step::Wait(LONG.saturating_sub(gap)), Step::Thaw, Step::Heal]).await?;
        cluster.at_home().await?;
    }
    assert!(cluster.tenure("cryo").await?.1 > epoch + 2);
    evidence.judge_without_clocks(&cluster).await?;
    cluster.finish()
}
