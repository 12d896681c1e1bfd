//! A device that a declaration moves to another node's segment, while its owner does not hear of it: the new owner writes nothing before
//! the former one has let go, though the declaration is in force and the former one's lease is good.

use anyhow::{Context as _, ensure};
use labkeeper_proto::v1::value::Kind;
use labkeeper_tests::client::setpoint;
use labkeeper_tests::lab::SETPOINTS;
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::{Cluster, Lab, Nemesis, Setup, Step, Who, cli};
use std::time::{Duration, Instant};

/// So slow that its owner still has something to write when the declaration changes, and until its lease ends.
const SLOW: &str = "slow:130";

/// Moves a device to another segment, through the nodes at these endpoints.
async fn moved(cluster: &Cluster, device: &str, from: &str, to: &str, endpoints: &str) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(cluster.site_file())?;
    let (before, after) = (format!("[devices.{device}]\nsegment = \"{from}\""), format!("[devices.{device}]\nsegment = \"{to}\""));
    ensure!(text.contains(&before), "no {before:?} in\n{text}");
    let file = cluster.dir().join("moved.toml");
    std::fs::write(&file, text.replace(&before, &after))?;
    cli::run(endpoints, &["site", "apply", &file.display().to_string(), "--yes"]).await?.with_code(0)?;
    Ok(())
}

#[tokio::test]
async fn a_moved_device_is_not_driven_by_two() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::standard()?).with_network().start().await?;
    let leader = cluster.leader().await?;
    let former = (leader + 1) % 3;
    let (from, to) = (["cryo", "furnace", "vacuum"][former], ["cryo", "furnace", "vacuum"][leader]);
    let device = format!("bank-{from}");
    let others = cluster.clients_but(former);
    cluster.plant.fault(&device, SLOW).await?;
    for n in 0..SETPOINTS {
        others[0].set(setpoint(&format!("{from}/{device}/s{n:02}"), Kind::Unsigned(88))).await?;
    }
    let mut nemesis = Nemesis::default();
    nemesis.take(&mut cluster, &[Step::Isolate(Who::Node(former))]).await?;
    let endpoint = cluster.nodes[leader].grpc.address().to_string();
    moved(&cluster, &device, from, to, &endpoint).await?;
    let gap = until_controlled(&others, &format!("{to}/{device}/s15"), 99, Instant::now()).await?;
    println!("moved away from a node that does not hear of it: controlled after {gap:?}");
    nemesis.take(&mut cluster, &[Step::Wait(Duration::from_secs(1)), Step::Heal]).await?;

    let address = |node| cluster.field_address(node).context("a network");
    let (before, after) = (address(former)?, address(leader)?);
    let writes = cluster.plant.recorded()?.into_iter().filter(|write| write.device == device);
    let by: Vec<_> = writes.map(|write| Ok(write.peer.parse::<std::net::SocketAddr>()?.ip())).collect::<anyhow::Result<_>>()?;
    let first = by.iter().position(|peer| *peer == after).context("the new owner wrote nothing")?;
    ensure!(by[..first].contains(&before), "the former owner wrote nothing, so this shows nothing: {by:?}");
    ensure!(!by[first..].contains(&before), "the former owner wrote after the new one had begun: {by:?}");
    cluster.finish()
}

/// Where both hear of it, the former owner's word frees the device: sessions go on, so nothing else would.
#[tokio::test]
async fn a_moved_device_is_controlled_again_at_once() -> anyhow::Result<()> {
    let cluster = Setup::new(3, Lab::standard()?).start().await?;
    moved(&cluster, "bank-cryo", "cryo", "furnace", &cluster.endpoints()).await?;
    let gap = until_controlled(&cluster.clients(), "furnace/bank-cryo/s01", 7, Instant::now()).await?;
    println!("moved between two nodes: controlled after {gap:?}");
    cluster.finish()
}
