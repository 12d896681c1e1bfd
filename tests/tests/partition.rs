//! Networks that break between the nodes: whoever is cut off from the majority lets go of its devices, and the majority takes
//! them over; in both directions, in one, and with nobody left who has a majority.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::Quality;
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::{quality, setpoint};
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::outage::{until_committed, until_controlled};
use labkeeper_tests::{Cluster, Evidence, Lab, Nemesis, Setup, Step, Who, wait};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The lease that a node has by default: without a majority nothing is written for longer.
const LEASE: Duration = Duration::from_millis(1_500);

/// A device that answers so slowly that sixteen setpoints, each written and read back, take it four seconds: longer than the lease
/// of an owner that was cut off before it had begun with them.
const SLOW: &str = "slow:130";

async fn start() -> anyhow::Result<Cluster> {
    Setup::new(3, Lab::for_bad_days()?).with_network().start().await
}

/// Does this to an owner that does not lead, and that has seconds of writes before it; sees that another controls its segment,
/// heals, and sees it go home. Returns how long it was out of control.
async fn owner_is_replaced_after(fault: impl Fn(Who) -> Step, cluster: &mut Cluster) -> anyhow::Result<Duration> {
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let owner = (cluster.leader().await? + 1) % 3;
    let segment = ["cryo", "furnace", "vacuum"][owner];
    let (_, epoch) = cluster.tenure(segment).await?;
    let others = cluster.clients_but(owner);
    cluster.plant.fault(&format!("bank-{segment}"), SLOW).await?;
    for n in 0..SETPOINTS {
        others[0].set(setpoint(&format!("{segment}/bank-{segment}/s{n:02}"), Kind::Unsigned(88))).await?;
    }
    nemesis.take(cluster, &[fault(Who::Node(owner))]).await?;
    let gap = until_controlled(&others, &format!("{segment}/bank-{segment}/s15"), epoch, Instant::now()).await?;
    cluster.plant.clear_fault(&format!("bank-{segment}")).await?;
    nemesis.take(cluster, &[Step::Wait(LEASE), Step::Heal]).await?;
    cluster.at_home().await?;
    ensure!(cluster.tenure(segment).await?.1 > epoch + 1, "it went and came back");
    evidence.judge(cluster).await?;
    Ok(gap)
}

#[tokio::test]
async fn an_owner_that_is_cut_off_lets_go_and_another_takes_over() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let gap = owner_is_replaced_after(Step::Isolate, &mut cluster).await?;
    println!("an owner that was cut off: controlled again after {gap:?}");
    cluster.finish()
}

#[tokio::test]
async fn an_owner_whose_renewals_are_not_heard_is_replaced() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let gap = owner_is_replaced_after(Step::Mute, &mut cluster).await?;
    println!("an owner that is not heard: controlled again after {gap:?}");
    cluster.finish()
}

/// The leader is cut off: commands go on without it, it is told of by nobody as leader, and healed it has them all.
#[tokio::test]
async fn a_majority_goes_on_and_the_one_that_was_cut_off_catches_up() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::standard()?).with_network().start().await?;
    let mut nemesis = Nemesis::default();
    let leader = cluster.leader().await?;
    nemesis.take(&mut cluster, &[Step::Isolate(Who::Node(leader))]).await?;
    let gap = until_committed(&cluster.clients_but(leader), "cryo/bank-cryo/s03", 4, Instant::now()).await?;
    println!("leader cut off: commands go on after {gap:?}");
    assert_ne!(cluster.leader().await?, leader);
    nemesis.take(&mut cluster, &[Step::Heal, Step::Settle]).await?;
    wait::until("the one that was cut off to have the setpoint", wait::SOON, || async {
        let setpoint = cluster.nodes[leader].client.reading("cryo/bank-cryo/s03").await?.setpoint.context("none")?;
        ensure!(setpoint.value.is_some_and(|value| value.kind == Some(Kind::Unsigned(4))), "another value");
        Ok(())
    })
    .await?;
    cluster.finish()
}

/// A leader that is heard and hears nothing keeps followers from electing another unless it notices by itself.
#[tokio::test]
async fn a_leader_that_hears_nobody_is_replaced() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let leader = cluster.leader().await?;
    let segment = ["cryo", "furnace", "vacuum"][leader];
    let others = cluster.clients_but(leader);
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    nemesis.take(&mut cluster, &[Step::Deafen(Who::Node(leader))]).await?;
    let gap = until_controlled(&others, &format!("{segment}/bank-{segment}/s03"), 1, Instant::now()).await?;
    println!("a deaf leader that owned {segment}: controlled again after {gap:?}");
    nemesis.take(&mut cluster, &[Step::Heal]).await?;
    cluster.at_home().await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}

/// Two nodes that do not hear each other, and a third that hears both: somebody leads, and every segment is kept.
#[tokio::test]
async fn a_link_that_is_dead_between_two_nodes_costs_no_segment_for_long() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let leader = cluster.leader().await?;
    let (other, third) = ((leader + 1) % 3, (leader + 2) % 3);
    let dead = [Step::OneWay { from: leader, to: other }, Step::OneWay { from: other, to: leader }];
    nemesis.take(&mut cluster, &dead).await?;
    let through_third = [cluster.nodes[third].client.clone()];
    for segment in ["cryo", "furnace", "vacuum"] {
        let gap = until_controlled(&through_third, &format!("{segment}/bank-{segment}/s03"), 2, Instant::now()).await?;
        println!("dead link: {segment} controlled after {gap:?}");
    }
    nemesis.take(&mut cluster, &[Step::Heal, Step::Settle]).await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}

/// Without a majority nobody can renew: writes end within the lease, and nothing starts them again before there is one.
#[tokio::test]
async fn without_a_majority_nothing_is_written_for_longer_than_a_lease() -> anyhow::Result<()> {
    let mut cluster = start().await?;
    let (mut nemesis, mut evidence) = (Nemesis::default(), Evidence::default());
    let clients = cluster.clients();
    // Commands on their way to every device when the network breaks.
    for (at, segment) in ["cryo", "furnace", "vacuum"].into_iter().enumerate() {
        cluster.plant.fault(&format!("bank-{segment}"), SLOW).await?;
        for n in 0..SETPOINTS {
            clients[at].set(setpoint(&format!("{segment}/bank-{segment}/s{n:02}"), Kind::Unsigned(77))).await?;
        }
    }
    nemesis.take(&mut cluster, &[Step::Partition(vec![vec![0], vec![1], vec![2]])]).await?;
    let cut = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())?;
    nemesis.take(&mut cluster, &[Step::Wait(3 * LEASE)]).await?;
    let lease_ns = i64::try_from(LEASE.as_nanos())?;
    let late: Vec<_> = cluster.plant.recorded()?.into_iter().filter(|write| write.time_unix_ns > cut + lease_ns).collect();
    assert!(late.is_empty(), "written without a majority: {late:#?}");
    for (at, segment) in ["furnace", "vacuum", "cryo"].into_iter().enumerate() {
        let reading = clients[at].reading(&format!("{segment}/bank-{segment}/gain")).await?;
        assert_ne!(quality(&reading), Quality::Good, "what a node hears nothing of is not called good: {reading:?}");
    }
    for segment in ["cryo", "furnace", "vacuum"] {
        cluster.plant.clear_fault(&format!("bank-{segment}")).await?;
    }

    nemesis.take(&mut cluster, &[Step::Heal, Step::Settle]).await?;
    for segment in ["cryo", "furnace", "vacuum"] {
        wait::until("what was committed to be written in the end", wait::SOON, || async {
            let cells = cluster.plant.cells(&format!("bank-{segment}"), "holding", 30, 2).await?;
            ensure!(cells == [0, 77], "{segment} s15 is {cells:?}");
            Ok(())
        })
        .await
        .with_context(|| nemesis.story())?;
    }
    evidence.judge(&cluster).await?;
    cluster.finish()
}
