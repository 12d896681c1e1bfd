//! A device that can check nothing, with a gate before it: the whole way of a takeover through the real program, while the owner is
//! frozen with its connection open.
//!
//! The frozen node's lease has run out when it wakes up, so it writes nothing whatever the gate does; what the gate adds is seen in
//! what it cuts. The device tells connections apart, so its record of writes shows whether anything of an earlier one came late.

use anyhow::{Context as _, ensure};
use labkeeper_tests::outage::until_controlled;
use labkeeper_tests::ports::Port;
use labkeeper_tests::process::Process;
use labkeeper_tests::{Cluster, Lab, Nemesis, Setup, Step, Who, wait};
use std::time::{Duration, Instant};

const TAG: &str = "cryo/bank-cryo/s00";

/// Three nodes over one device that is reached through a gate; the gate's process.
async fn start() -> anyhow::Result<(Cluster, Process, tempfile::TempDir)> {
    let dir = tempfile::TempDir::with_prefix("labkeeper-test-gate-")?;
    let port = Port::reserve()?;
    let gate = port.address().to_string();
    let lab = Lab::empty().homes_return_after("1s").segment("cryo", "lab-a").bank("cryo", "bank-cryo")?.port(port);
    let device = lab.devices().first().context("a device")?.to_string();
    let lab = lab.device_key("bank-cryo", &format!("fence = {{ gate = \"{gate}\" }}"));
    let state = dir.path().join("gate.state").display().to_string();
    let args = ["gate", "--listen", &gate, "--device", &device, "--state", &state];
    let process = Process::labkeeper("gate", &args, &dir.path().join("gate.log"))?;
    Ok((Setup::new(3, lab).start().await?, process, dir))
}

#[tokio::test]
async fn a_frozen_owner_is_cut_off_at_the_gate_and_comes_back_through_it() -> anyhow::Result<()> {
    let (mut cluster, mut gate, _dir) = start().await?;
    cluster.at_home().await?;
    let (owner, epoch) = cluster.tenure("cryo").await?;
    let others = cluster.clients_but(owner);
    until_controlled(&others, TAG, 1, Instant::now()).await?;
    let mut nemesis = Nemesis::default();
    nemesis.take(&mut cluster, &[Step::Freeze(Who::Node(owner))]).await?;
    let frozen = Instant::now();
    println!("owner frozen: controlled again after {:?}", until_controlled(&others, TAG, 2, frozen).await?);
    let (successor, taken) = cluster.tenure("cryo").await?;
    ensure!(successor != owner && taken > epoch, "epoch {taken} of node {successor} after {epoch} of {owner}");
    // Its own connection is still open as far as the frozen node knows; at the gate it has ended.
    let cut = format!("epoch={epoch} node={}: cut: a newer claim has passed", cluster.nodes[owner].name);
    let is_cut = || async {
        ensure!(gate.log().contains(&cut), "no {cut:?} in\n{}", gate.log_tail(20));
        Ok(())
    };
    wait::until("the gate cuts the frozen owner", wait::SOON, is_cut).await?;

    nemesis.take(&mut cluster, &[Step::Thaw, Step::Wait(Duration::from_millis(500))]).await?;
    cluster.at_home().await?;
    until_controlled(&cluster.clients(), TAG, 3, Instant::now()).await?;
    gate.must_run()?;
    connections_took_turns(&cluster).await?;
    cluster.finish()
}

/// Once a later connection has written, an earlier one never does again, and the values came in the order in which they were set.
async fn connections_took_turns(cluster: &Cluster) -> anyhow::Result<()> {
    let writes = cluster.plant.writes_to("bank-cryo", "holding", 0).await?;
    let mut turns: Vec<&str> = writes.iter().map(|write| write.peer.as_str()).collect();
    turns.dedup();
    let mut once = turns.clone();
    once.sort_unstable();
    once.dedup();
    ensure!(turns.len() == once.len() && turns.len() >= 3, "the connections did not take turns: {writes:#?}");
    let values: Vec<u32> = writes.iter().map(|write| write.values.iter().fold(0, |all, word| (all << 16) | u32::from(*word))).collect();
    ensure!(values.is_sorted() && values.last() == Some(&3), "an older value came after a newer one: {values:?}");
    Ok(())
}
