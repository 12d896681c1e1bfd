//! A leader whose disk takes five writes a second: renewals and commands go through its log, so it is slow or gives up leading;
//! either way nothing is driven by two, and nothing acknowledged is lost.
//!
//! The disk is slowed down by the kernel's bound on a process' writes (cgroups of version 1, root). Where there is none, the
//! test says so and proves nothing.

use anyhow::Context as _;
use labkeeper_tests::load::{self, Load};
use labkeeper_tests::{Evidence, Lab, Nemesis, Oracle, Setup, Step, Who};
use std::time::Duration;
use tokio::sync::watch;

/// A flush takes two writes, so 400 ms: longer than the time between two renewals, shorter than a lease.
const WRITES_PER_S: u32 = 5;
const LOAD: Load = Load { clients: 2, pause: Duration::from_millis(100), tags: 8, first: 1, most: u64::MAX };

#[tokio::test]
async fn a_leader_with_a_slow_disk_endangers_nothing() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    let (mut nemesis, mut evidence, mut oracle) = (Nemesis::default(), Evidence::default(), Oracle::default());
    if let Err(error) = nemesis.take(&mut cluster, &[Step::SlowDisk(Who::Leader, WRITES_PER_S)]).await {
        println!("SKIPPED: {:#}", error.root_cause());
        return cluster.finish();
    }
    let clients = cluster.clients();
    let (done, is_done) = watch::channel(false);
    let steps = [Step::Wait(Duration::from_secs(6)), Step::MendDisks, Step::Settle];
    let day = load::beside(done, nemesis.take(&mut cluster, &steps));
    let (told, taken) = tokio::join!(LOAD.run(&clients, is_done), day);
    taken.with_context(|| nemesis.story())?;
    for command in told? {
        oracle.told(command).map_err(anyhow::Error::msg)?;
    }
    println!("{} commands acknowledged beside a slow disk", oracle.len());
    cluster.applied(oracle.commands().map(|command| command.log_index).max().unwrap_or(0)).await?;
    oracle.ask_for_commands(&clients).await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}
