//! The comparison itself: for each number of clients, rounds in which every system has its turn.

use crate::etcd::Etcd;
use crate::load::{self, Client, Measured};
use crate::{Setpoints, labkeeper, machine, report};
use labkeeper_tests::Cluster;
use std::collections::BTreeMap;
use std::path::Path;

/// What has its turn in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contestant {
    /// Labkeeper's leader is asked; setpoints end when committed.
    LabkeeperLeader,
    /// etcd's leader is asked.
    EtcdLeader,
    /// Labkeeper's followers are asked.
    LabkeeperFollowers,
    /// etcd's followers are asked.
    EtcdFollowers,
    /// Labkeeper's leader is asked, and a device is driven.
    LabkeeperDriven,
}

impl Contestant {
    /// In the order of their turns: each peer right behind what it is compared with.
    pub(crate) const ALL: [Self; 5] =
        [Self::LabkeeperLeader, Self::EtcdLeader, Self::LabkeeperFollowers, Self::EtcdFollowers, Self::LabkeeperDriven];
}

/// Every measurement, by number of clients and contestant, in the order of the rounds.
pub(crate) type Results = BTreeMap<(usize, Contestant), Vec<Measured>>;

/// Runs the comparison, prints the report, and writes it where it was asked for.
///
/// # Errors
/// When a system does not come up.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a report, and its progress")]
pub(crate) async fn run(arguments: &Setpoints) -> anyhow::Result<()> {
    let dir = tempfile::Builder::new().prefix("labkeeper-bench-").tempdir_in(arguments.disk.canonicalize()?)?;
    let flush = machine::flush_time(dir.path())?;
    let etcd = Etcd::start(dir.path()).await?;
    let cluster = labkeeper::start_in(dir.path()).await?;
    let mut results = Results::new();
    for clients in &arguments.clients {
        for round in 0..arguments.rounds {
            for contestant in Contestant::ALL {
                let connections = connections(contestant, &cluster, &etcd, load::connections(*clients)).await?;
                let measured = load::run(&connections, *clients, arguments.duration()).await?;
                eprintln!("{clients} clients, round {}: {contestant:?} {:.0}/s, {} failed", round + 1, measured.per_s, measured.failed);
                results.entry((*clients, contestant)).or_default().push(measured);
            }
        }
    }
    let page = report::page(arguments, &results, &facts(dir.path(), &etcd, flush));
    println!("{page}");
    if let Some(path) = &arguments.write {
        labkeeper_tests::page::write_section(path, "setpoints", &page)?;
    }
    cluster.finish()
}

fn facts(dir: &Path, etcd: &Etcd, flush: std::time::Duration) -> report::Facts {
    report::Facts {
        machine: machine::describe(),
        file_system: machine::file_system(dir),
        flush,
        labkeeper: env!("CARGO_PKG_VERSION").to_owned(),
        etcd: etcd.version.clone(),
    }
}

async fn connections(contestant: Contestant, cluster: &Cluster, etcd: &Etcd, count: usize) -> anyhow::Result<Vec<Client>> {
    let labkeeper = |clients: Vec<_>, device| clients.into_iter().map(|client| Client::Labkeeper(client, device)).collect();
    let etcd_clients = |clients: Vec<_>| clients.into_iter().map(Client::Etcd).collect();
    Ok(match contestant {
        Contestant::LabkeeperLeader => labkeeper(labkeeper::to_leader(cluster, count).await?, labkeeper::COMMITTED_ONLY),
        Contestant::LabkeeperFollowers => labkeeper(labkeeper::to_followers(cluster, count).await?, labkeeper::COMMITTED_ONLY),
        Contestant::LabkeeperDriven => labkeeper(labkeeper::to_leader(cluster, count).await?, labkeeper::DRIVEN),
        Contestant::EtcdLeader => etcd_clients(etcd.to_leader(count).await?),
        Contestant::EtcdFollowers => etcd_clients(etcd.to_followers(count).await?),
    })
}
