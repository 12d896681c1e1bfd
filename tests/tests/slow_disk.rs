//! Two nodes of three whose disks take five writes a second: renewals and commands go through their logs, so everything is slow and
//! sessions may run out; nothing is driven by two, and nothing acknowledged is lost.
//!
//! The disk is slowed down by the kernel's bound on a process' writes (cgroups of version 1, root). Where there is none, the
//! test says so and proves nothing.

use anyhow::Context as _;
use labkeeper_tests::load::{self, Load};
use labkeeper_tests::outage::until_committed;
use labkeeper_tests::{Evidence, Lab, Nemesis, Oracle, Setup, Step, Who};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// One write takes 200 ms, and three nodes renew their sessions ten times a second together: more than such a disk takes.
const WRITES_PER_S: u32 = 5;
const FLUSH: Duration = Duration::from_millis(200);
/// Commands one after the other, of which each waits for a slow disk.
const COMMANDS: u64 = 10;
const LOAD: Load = Load { clients: 2, pause: Duration::from_millis(100), tags: 8, first: 1, most: u64::MAX };

#[tokio::test]
async fn a_majority_with_slow_disks_endangers_nothing() -> anyhow::Result<()> {
    let mut cluster = Setup::new(3, Lab::for_bad_days()?).with_network().start().await?;
    let (mut nemesis, mut evidence, mut oracle) = (Nemesis::default(), Evidence::default(), Oracle::default());
    let slow = [0, 1].map(|node| Step::SlowDisk(Who::Node(node), WRITES_PER_S));
    if let Err(error) = nemesis.take(&mut cluster, &slow).await {
        println!("SKIPPED: {:#}", error.root_cause());
        return cluster.finish();
    }
    let clients = cluster.clients();
    let (done, is_done) = watch::channel(false);
    let steps = [Step::Wait(Duration::from_secs(6)), Step::MendDisks, Step::Settle];
    let day = load::beside(done, nemesis.take(&mut cluster, &steps));
    let slowest = async {
        let mut slowest = Duration::ZERO;
        for n in 0..COMMANDS {
            slowest = slowest.max(until_committed(&clients, "vacuum/bank-vacuum/s14", n, Instant::now()).await?);
        }
        anyhow::Ok(slowest)
    };
    let (told, slowest, taken) = tokio::join!(LOAD.run(&clients, is_done), slowest, day);
    taken.with_context(|| nemesis.story())?;
    for command in told? {
        oracle.told(command).map_err(anyhow::Error::msg)?;
    }
    let slowest = slowest?;
    println!("{} commands acknowledged on slow disks, one took {slowest:?}", oracle.len());
    assert!(slowest > FLUSH, "the slowest of {COMMANDS} commands took {slowest:?}: the disks were not slow");
    cluster.applied(oracle.commands().map(|command| command.log_index).max().unwrap_or(0)).await?;
    oracle.ask_for_commands(&clients).await?;
    evidence.judge(&cluster).await?;
    cluster.finish()
}
