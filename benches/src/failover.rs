//! How long a death is felt: of the leader, by whoever writes, beside etcd; of an owner, by whoever controls its devices.
//!
//! ```text
//! kill -9 ──► the same write to each survivor in turn, every 50 ms ──► the first that succeeds
//!         ──► a setpoint through the survivors ──► committed ──► the successor has written it and read it back
//! ```

use crate::etcd::{Etcd, KvClient, PutRequest};
use crate::{Failover, machine};
use labkeeper_tests::outage::{ASK_EVERY, first_answer, until_committed, until_controlled};
use labkeeper_tests::spread::{ROW_HEAD, Spread};
use labkeeper_tests::{Cluster, Lab, Setup, page};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tonic::transport::Channel;

/// Everything that was measured.
#[derive(Debug, Default)]
struct Results {
    etcd_leader: Spread,
    our_leader: Spread,
    owner: Spread,
    owner_that_led: Spread,
}

/// Runs the comparison, prints the report, and writes it where it was asked for.
///
/// # Errors
/// When a system does not come up, or back.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a report, and its progress")]
pub(crate) async fn run(arguments: &Failover) -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("labkeeper-bench-").tempdir_in(arguments.disk.canonicalize()?)?;
    let mut etcd = Etcd::start(dir.path()).await?;
    let mut cluster = Setup::new(3, Lab::standard()?.homes_return_after("1s")).below(dir.path().to_path_buf()).start().await?;
    let mut results = Results::default();
    for round in 0..arguments.rounds {
        let etcd_leader = etcd_leader(&mut etcd, round).await?;
        let our_leader = our_leader(&mut cluster, round).await?;
        let owner = owner_lost(&mut cluster, round, false).await?;
        let owner_that_led = owner_lost(&mut cluster, round, true).await?;
        eprintln!("round {}: etcd {etcd_leader:?}, leader {our_leader:?}, owner {owner:?}, both {owner_that_led:?}", round + 1);
        results.etcd_leader.add(etcd_leader);
        results.our_leader.add(our_leader);
        results.owner.add(owner);
        results.owner_that_led.add(owner_that_led);
    }
    let report = report(&results, dir.path(), &etcd.version);
    println!("{report}");
    if let Some(path) = &arguments.write {
        page::write_section(path, "failover", &report)?;
    }
    cluster.finish()
}

async fn etcd_leader(etcd: &mut Etcd, round: usize) -> anyhow::Result<Duration> {
    let others = etcd.kill_leader()?;
    let died = Instant::now();
    first_answer(ASK_EVERY, |n| put(others[n % others.len()].clone(), round)).await?;
    let felt = died.elapsed();
    etcd.restart().await?;
    Ok(felt)
}

async fn put(mut client: KvClient<Channel>, round: usize) -> Result<(), tonic::Status> {
    let request = PutRequest { key: b"cryo/bank-cryo/s14".to_vec(), value: round.to_string().into_bytes() };
    client.put(request).await.map(|_| ())
}

async fn our_leader(cluster: &mut Cluster, round: usize) -> anyhow::Result<Duration> {
    let leader = cluster.leader().await?;
    let others = cluster.clients_but(leader);
    cluster.nodes[leader].kill9()?;
    let felt = until_committed(&others, "cryo/bank-cryo/s14", round as u64, Instant::now()).await?;
    revive(cluster, leader).await?;
    Ok(felt)
}

/// Kills an owner that leads, or one that does not, and waits until its segment is controlled again.
async fn owner_lost(cluster: &mut Cluster, round: usize, leads: bool) -> anyhow::Result<Duration> {
    let leader = cluster.leader().await?;
    let owner = if leads { leader } else { (leader + 1) % 3 };
    let segment = ["cryo", "furnace", "vacuum"][owner];
    let others = cluster.clients_but(owner);
    cluster.nodes[owner].kill9()?;
    let tag = format!("{segment}/bank-{segment}/s15");
    let felt = until_controlled(&others, &tag, 2 * round as u64 + u64::from(leads), Instant::now()).await?;
    revive(cluster, owner).await?;
    Ok(felt)
}

async fn revive(cluster: &mut Cluster, node: usize) -> anyhow::Result<()> {
    cluster.nodes[node].start().await?;
    cluster.at_home().await
}

fn report(results: &Results, dir: &Path, etcd: &str) -> String {
    let mut text = String::from(HEAD);
    let _ = write!(
        text,
        "\n- Machine: {}; data on {}.\n- Labkeeper {}, etcd {etcd} (Debian's etcd-server), both with their defaults; three nodes each, all on this one machine.\n\n",
        machine::describe(),
        machine::file_system(dir),
        env!("CARGO_PKG_VERSION"),
    );
    let _ = writeln!(text, "| milliseconds | {ROW_HEAD}\n|---|--:|--:|--:|--:|--:|");
    for (name, spread) in [
        ("etcd's leader killed: until a write succeeds", &results.etcd_leader),
        ("Labkeeper's leader killed: until a setpoint is committed", &results.our_leader),
        ("an owner killed: until a setpoint is written by its successor and read back", &results.owner),
        ("an owner killed that also led: the same", &results.owner_that_led),
    ] {
        let _ = writeln!(text, "| {name} {}", spread.row());
    }
    text
}

const HEAD: &str = "\
## How long a death is felt, beside etcd

The leader is killed (`kill -9`), and the same write is sent to the survivors in turn, every 50 ms, until one succeeds. etcd's
default election time-out is 1 s, Labkeeper's is shorter, since an owner's lease must outlive an election: so this compares
defaults, not algorithms. The time in which an owner is replaced has no peer in etcd; it is the owner's lease from its last
renewal, the guard for its last write, and the successor's connecting and first reading.
";
