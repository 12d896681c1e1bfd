//! Three etcd nodes, as Debian ships them, with their defaults: every put is on a majority's disk before it is answered.

mod generated {
    #![allow(clippy::all, missing_docs, unreachable_pub, reason = "generated code")]
    tonic::include_proto!("etcdserverpb");
}

pub(crate) use generated::PutRequest;
pub(crate) use generated::kv_client::KvClient;

use anyhow::{Context as _, ensure};
use generated::StatusRequest;
use generated::maintenance_client::MaintenanceClient;
use labkeeper_tests::ports::Port;
use labkeeper_tests::process::Process;
use labkeeper_tests::wait;
use std::path::Path;
use tonic::transport::{Channel, Endpoint};

/// A running cluster.
#[derive(Debug)]
pub(crate) struct Etcd {
    /// The server's version.
    pub version: String,
    members: Vec<Member>,
    leader: usize,
}

#[derive(Debug)]
struct Member {
    client: Port,
    peer: Port,
    // Killed when dropped.
    _process: Option<Process>,
}

impl Etcd {
    /// Starts three nodes with their data below `dir`.
    ///
    /// # Errors
    /// When etcd is missing or they do not elect a leader.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let member = || anyhow::Ok(Member { client: Port::reserve()?, peer: Port::reserve()?, _process: None });
        let mut members = vec![member()?, member()?, member()?];
        let url = |port: &Port| format!("http://{}", port.address());
        let all = members.iter().enumerate().map(|(n, member)| format!("e{n}={}", url(&member.peer))).collect::<Vec<_>>().join(",");
        for (n, member) in members.iter_mut().enumerate() {
            let data = dir.join(format!("etcd-{n}")).display().to_string();
            let (name, client, peer) = (format!("e{n}"), url(&member.client), url(&member.peer));
            let args = [
                ["--name", &name],
                ["--data-dir", &data],
                ["--listen-client-urls", &client],
                ["--advertise-client-urls", &client],
                ["--listen-peer-urls", &peer],
                ["--initial-advertise-peer-urls", &peer],
                ["--initial-cluster", &all],
                ["--logger", "zap"],
                ["--log-level", "error"],
            ];
            let log = dir.join(format!("etcd-{n}.log"));
            member._process = Some(Process::start(&name, Path::new("etcd"), args.as_flattened(), &log)?);
        }
        let mut etcd = Self { version: String::new(), members, leader: 0 };
        etcd.leader = wait::until("etcd's leader", wait::SOON, || etcd.find_leader()).await?;
        etcd.version = etcd.status(0).await?.version;
        Ok(etcd)
    }

    /// Connections to the leader.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn to_leader(&self, count: usize) -> anyhow::Result<Vec<KvClient<Channel>>> {
        self.connect(&[self.leader], count).await
    }

    /// Connections to the followers, in turn.
    ///
    /// # Errors
    /// When one does not answer.
    pub(crate) async fn to_followers(&self, count: usize) -> anyhow::Result<Vec<KvClient<Channel>>> {
        let followers: Vec<usize> = (0..self.members.len()).filter(|n| *n != self.leader).collect();
        self.connect(&followers, count).await
    }

    async fn connect(&self, members: &[usize], count: usize) -> anyhow::Result<Vec<KvClient<Channel>>> {
        let mut clients = Vec::new();
        for n in members.iter().cycle().take(count.max(members.len())) {
            clients.push(KvClient::new(self.endpoint(*n)?.connect().await?));
        }
        Ok(clients)
    }

    fn endpoint(&self, n: usize) -> anyhow::Result<Endpoint> {
        Ok(Endpoint::from_shared(format!("http://{}", self.members[n].client.address()))?.tcp_nodelay(true))
    }

    async fn status(&self, n: usize) -> anyhow::Result<generated::StatusResponse> {
        let mut client = MaintenanceClient::new(self.endpoint(n)?.connect().await?);
        Ok(client.status(StatusRequest {}).await?.into_inner())
    }

    async fn find_leader(&self) -> anyhow::Result<usize> {
        for n in 0..self.members.len() {
            let status = self.status(n).await?;
            ensure!(status.leader != 0, "no leader");
            if status.header.context("a header")?.member_id == status.leader {
                return Ok(n);
            }
        }
        anyhow::bail!("nobody says that it leads")
    }
}
