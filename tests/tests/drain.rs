//! A node is drained for maintenance: its segments move without waiting for a lease, each device is unattended for a moment
//! only, commands go on, and with the node back the segments go home.

use anyhow::{Context as _, ensure};
use futures::StreamExt as _;
use labkeeper_proto::v1::{self, GrantCause};
use labkeeper_tests::load::{self, Load};
use labkeeper_tests::{Client, Cluster, Evidence, Lab, Oracle, Setup, cli, wait};
use std::time::Duration;
use tokio::sync::watch;

const LOAD: Load = Load { clients: 4, pause: Duration::from_millis(40), tags: 8, first: 1, most: u64::MAX };

#[tokio::test]
async fn a_drained_nodes_segments_move_at_once_and_go_home_when_it_is_back() -> anyhow::Result<()> {
    let cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    let mut evidence = Evidence::default();
    let drained = cluster.owner("furnace").await?;
    let name = cluster.nodes[drained].name.clone();
    let asked = cluster.nodes[(drained + 1) % 3].client.clone();
    let clients = cluster.clients();
    let (done, is_done) = watch::channel(false);
    let day = load::beside(done, drain(&asked, &name));
    let (told, handed_over) = tokio::join!(LOAD.run(&clients, is_done), day);
    let handed_over = handed_over?;
    assert!(handed_over.iter().any(|grant| grant.segment == "furnace"), "{handed_over:?}");
    for grant in &handed_over {
        let unattended = grant.enabled_ms.with_context(|| format!("never enabled: {grant:?}"))?;
        println!("{}: its {} devices unattended for {unattended} ms", grant.segment, grant.devices);
        assert_eq!(grant.cause(), GrantCause::Drained);
        assert_ne!(grant.to, name);
    }
    let segments = cluster.nodes[drained].client.status().await?.segments;
    assert!(segments.iter().all(|segment| segment.owner != name), "{segments:?}");

    let undrain = v1::UndrainNodeRequest { node: name, actor: "test".into(), reason: "done".into(), id: String::new() };
    asked.cluster().undrain_node(undrain).await?;
    cluster.at_home().await?;
    let mut oracle = Oracle::default();
    for command in told? {
        oracle.told(command).map_err(anyhow::Error::msg)?;
    }
    println!("{} commands acknowledged meanwhile", oracle.len());
    oracle.ask_for_commands(&clients).await?;
    oracle.ask_for_setpoints(&clients).await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}

/// Drains a node to the end, and returns what it handed over.
async fn drain(through: &Client, node: &str) -> anyhow::Result<Vec<v1::TakeoverStatus>> {
    let request =
        v1::DrainNodeRequest { node: node.to_owned(), actor: "test".into(), reason: "new fan".into(), wait_ms_max: 0, id: String::new() };
    let mut progress = through.cluster().drain_node(request).await?.into_inner();
    let mut last = None;
    while let Some(step) = progress.next().await {
        last = Some(step?);
    }
    let last = last.context("a drain says something")?;
    ensure!(last.done && last.left.is_empty(), "it ended with {last:?}");
    Ok(last.handed_over)
}

#[tokio::test]
async fn a_drained_node_may_be_stopped_and_started_without_anybody_noticing() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    let mut evidence = Evidence::default();
    let drained = cluster.owner("vacuum").await?;
    let name = cluster.nodes[drained].name.clone();
    cli::run(&cluster.endpoints(), &["cluster", "drain", &name, "--reason", "new disk"]).await?.with_code(0)?;
    let (owner, epoch) = cluster.tenure("vacuum").await?;
    assert_ne!(owner, drained);
    cluster.nodes[drained].stop().await?;
    cluster.nodes[drained].start().await?;
    wait::until("it to be drained still", wait::SOON, || is_draining(&cluster, drained)).await?;
    assert_eq!(cluster.tenure("vacuum").await?, (owner, epoch), "nothing moved");
    cli::run(&cluster.endpoints(), &["cluster", "undrain", &name]).await?.with_code(0)?;
    cluster.at_home().await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}

async fn is_draining(cluster: &Cluster, node: usize) -> anyhow::Result<()> {
    let status = cluster.nodes[node].client.status().await?;
    let own = status.nodes.iter().find(|n| n.name == cluster.nodes[node].name).context("the node itself")?;
    ensure!(own.draining, "{own:?}");
    Ok(())
}
