//! An owner that is held still and believes, when it goes on, that no time has passed: the classical stale writer.
//!
//! Half of the devices tell under which epoch a write came; whatever an earlier owner sends after its successor was granted is
//! found in their record. The moments of freezing come from a seed: `LABKEEPER_SEED` repeats them, `LABKEEPER_ROUNDS` asks for
//! more.

use anyhow::Context as _;
use labkeeper_tests::load::{self, Load};
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Cluster, Evidence, Lab, Nemesis, Setup, Step, Who, chance};
use rand::RngExt as _;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Longer than the lease, its guard and an election together (1.5 s, 0.4 s, 0.8 s).
const LONG: Duration = Duration::from_secs(4);
/// Shorter than the lease less two renewals (1.5 s less 2 x 0.3 s): every renewal that it delays comes in time.
const SHORT: Duration = Duration::from_millis(400);
/// Commands that keep the owner writing when it is frozen: some 27 a second over three segments, of which a device that takes 80 ms
/// for each (a write and a reading) can just carry out its nine.
const LOAD: Load = Load { clients: 4, pause: Duration::from_millis(120), tags: 8, first: 1_000, most: u64::MAX };

async fn start() -> anyhow::Result<Cluster> {
    Setup::new(3, Lab::for_bad_days()?).with_network().start().await
}

#[tokio::test]
async fn a_frozen_owner_that_wakes_up_writes_nothing_stale() -> anyhow::Result<()> {
    let (seed, mut chance) = chance::from_environment();
    let mut cluster = start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    for round in 0..chance::rounds(3) {
        let (segment, fault) =
            [("cryo", "slow:40"), ("vacuum", "slow:0"), ("vacuum", "slow:40"), ("furnace", "slow:0")][round as usize % 4];
        let (owner, epoch) = cluster.tenure(segment).await?;
        let others = cluster.clients_but(owner);
        // Before a slow device commands queue up: the owner has writes to send when it wakes up. With a quick one it is often
        // frozen between two writes, and finds the next commands in its sockets.
        cluster.plant.fault(&format!("bank-{segment}"), fault).await?;
        let (done, is_done) = watch::channel(false);
        let load = LOAD.run(&others, is_done);
        let moment = Duration::from_millis(chance.random_range(200..800));
        let day = load::beside(done, async {
            nemesis.take(&mut cluster, &[Step::Wait(moment), Step::Freeze(Who::Node(owner))]).await?;
            let frozen = Instant::now();
            let gap = until_controlled(&others, &format!("{segment}/bank-{segment}/s15"), 1 + u64::from(round), frozen).await?;
            println!("round {round}: owner of {segment} frozen: controlled again after {gap:?}");
            // It wakes up while its successor writes.
            let rest = Step::Wait(LONG.saturating_sub(frozen.elapsed()));
            nemesis.take(&mut cluster, &[rest, Step::Thaw, Step::Wait(SHORT)]).await
        });
        let (load, day) = tokio::join!(load, day);
        day.and(load).with_context(|| format!("LABKEEPER_SEED={seed}"))?;
        cluster.plant.clear_fault(&format!("bank-{segment}")).await?;
        cluster.at_home().await?;
        assert!(cluster.tenure(segment).await?.1 > epoch);
        let judged = evidence.judge(&cluster).await.with_context(|| format!("LABKEEPER_SEED={seed}\n{}", nemesis.story()))?;
        println!("round {round}: {judged} writes and claims judged");
    }
    cluster.finish()
}

#[tokio::test]
async fn a_short_stall_costs_nobody_a_segment() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let mut nemesis = Nemesis::default();
    let owner = (cluster.leader().await? + 1) % 3;
    let segment = ["cryo", "furnace", "vacuum"][owner];
    let before = cluster.tenure(segment).await?;
    let stall = [Step::Freeze(Who::Node(owner)), Step::Wait(SHORT), Step::Thaw, Step::Wait(SHORT)];
    for _ in 0..3 {
        nemesis.take(&mut cluster, &stall).await?;
    }
    nemesis.take(&mut cluster, &[Step::Settle]).await?;
    assert_eq!(cluster.tenure(segment).await?, before, "after\n{}", nemesis.story());
    Evidence::default().judge(&cluster).await?;
    cluster.finish()
}

#[tokio::test]
async fn a_frozen_leader_that_owned_is_replaced_in_both() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let leader = cluster.leader().await?;
    let segment = ["cryo", "furnace", "vacuum"][leader];
    let others = cluster.clients_but(leader);
    nemesis.take(&mut cluster, &[Step::Freeze(Who::Node(leader))]).await?;
    let frozen = Instant::now();
    let gap = until_controlled(&others, &format!("{segment}/bank-{segment}/s03"), 5, frozen).await?;
    println!("frozen leader that owned {segment}: controlled again after {gap:?}");
    assert_ne!(cluster.leader().await?, leader);
    nemesis.take(&mut cluster, &[Step::Thaw]).await?;
    cluster.at_home().await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}
