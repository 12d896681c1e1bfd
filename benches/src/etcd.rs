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
use std::path::{Path, PathBuf};
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
    line: Vec<String>,
    log: PathBuf,
    // Killed when dropped.
    process: Option<Process>,
}

impl Member {
    fn start(&mut self) -> anyhow::Result<()> {
        let args: Vec<&str> = self.line.iter().map(String::as_str).collect();
        self.process = Some(Process::start("etcd", Path::new("etcd"), &args, &self.log)?);
        Ok(())
    }
}

impl Etcd {
    /// Starts three nodes with their data below `dir`.
    ///
    /// # Errors
    /// When etcd is missing or they do not elect a leader.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let port = Port::reserve;
        let member = || anyhow::Ok(Member { client: port()?, peer: port()?, line: Vec::new(), log: PathBuf::new(), process: None });
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
            member.line = args.as_flattened().iter().map(|word| (*word).to_owned()).collect();
            member.log = dir.join(format!("etcd-{n}.log"));
            member.start()?;
        }
        let mut etcd = Self { version: String::new(), members, leader: 0 };
        etcd.settle().await?;
        etcd.version = etcd.status(0).await?.version;
        Ok(etcd)
    }

    /// Waits until every member answers and knows the same leader.
    ///
    /// # Errors
    /// When that does not come about.
    pub(crate) async fn settle(&mut self) -> anyhow::Result<()> {
        self.leader = wait::until("etcd's leader", wait::SOON, || self.find_leader()).await?;
        Ok(())
    }

    /// Kills the leader as a power cut would. Returns clients of the others.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn kill_leader(&mut self) -> anyhow::Result<Vec<KvClient<Channel>>> {
        let leader = self.leader;
        self.members[leader].process.take().context("the leader runs")?.kill9()?;
        let others = (0..self.members.len()).filter(|n| *n != leader);
        others.map(|n| Ok(KvClient::new(self.endpoint(n)?.connect_lazy()))).collect()
    }

    /// Starts whoever was killed, and waits until all is well.
    ///
    /// # Errors
    /// When that does not come about.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        for member in self.members.iter_mut().filter(|member| member.process.is_none()) {
            member.start()?;
        }
        self.settle().await
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
        let mut leaders = std::collections::BTreeSet::new();
        let mut found = None;
        for n in 0..self.members.len() {
            let status = self.status(n).await?;
            leaders.insert(status.leader);
            found = found.or((status.header.context("a header")?.member_id == status.leader).then_some(n));
        }
        ensure!(leaders.len() == 1, "members name different leaders: {leaders:?}");
        found.context("nobody says that it leads")
    }
}
