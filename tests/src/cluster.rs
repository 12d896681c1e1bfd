//! A whole cluster with its lab, on this machine, for one test.
//!
//! ```text
//! start: plant -> nodes -> init the first -> the others join -> site apply -> settled
//! finish: nobody panicked -> everything is killed, the directory removed
//! ```
//! A test ends with [`Cluster::finish`]. One that does not get there has failed: then the ends of all logs are printed and
//! the directory is kept.

use crate::client::Client;
use crate::lab::Lab;
use crate::network::Network;
use crate::node::Node;
use crate::plant::Plant;
use crate::setup::Setup;
use crate::{cli, wait};
use anyhow::{Context as _, bail, ensure};
use futures::StreamExt as _;
use labkeeper_proto::v1::{self, Quality};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Nodes, devices, and a directory that all of them share.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, in the order of their names.
    pub nodes: Vec<Node>,
    /// The devices.
    pub plant: Plant,
    /// The network, if the test asked for one whose links can be cut.
    pub network: Option<Network>,
    lab: Lab,
    dir: TempDir,
    finished: bool,
}

impl Cluster {
    /// A running cluster of `count` nodes over the standard lab.
    ///
    /// # Errors
    /// When a process ends, or the cluster does not settle.
    pub async fn start(count: usize) -> anyhow::Result<Self> {
        Self::with_lab(count, Lab::spread(count)?).await
    }

    /// A running cluster of `count` nodes over a lab of the test's own.
    ///
    /// # Errors
    /// When a process ends, or the cluster does not settle.
    pub async fn with_lab(count: usize, lab: Lab) -> anyhow::Result<Self> {
        Setup::new(count, lab).start().await
    }

    /// Plant and nodes, with no site founded.
    ///
    /// # Errors
    /// When a process ends.
    pub async fn uninitialised(count: usize, lab: Lab) -> anyhow::Result<Self> {
        Setup::new(count, lab).uninitialised().await
    }

    /// What [`crate::setup::Setup`] has built.
    pub(crate) fn assemble(nodes: Vec<Node>, plant: Plant, lab: Lab, network: Option<Network>, dir: TempDir) -> Self {
        Self { nodes, plant, network, lab, dir, finished: false }
    }

    /// Founds the site on the first node, lets the others join, and waits until each may own segments: what is declared then
    /// goes to its home at once.
    ///
    /// # Errors
    /// When a node refuses, or gets no session.
    pub async fn found(&mut self) -> anyhow::Result<()> {
        let first = self.nodes.first().context("a cluster has a node")?;
        first.client.cluster().init_cluster(v1::InitClusterRequest {}).await?;
        let to = first.peers.to_string();
        for node in &self.nodes[1..] {
            join(&node.client, &to).await.with_context(|| format!("{} joins", node.name))?;
        }
        let first = &first.client;
        wait::until("a session of every node", wait::SOON, || async {
            let nodes = first.status().await?.nodes;
            let without = nodes.iter().find(|node| !node.session.is_some_and(|session| session.alive));
            without.map_or(Ok(()), |node| bail!("{} has none", node.name))
        })
        .await
    }

    /// Puts the lab's site file in force.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn apply(&self) -> anyhow::Result<()> {
        let site = self.site_file().display().to_string();
        cli::run(&self.endpoints(), &["site", "apply", &site, "--yes"]).await?.with_code(0)?;
        Ok(())
    }

    /// Waits until every running node names the same leader, every segment has an owner, and every readable tag is good on
    /// every running node.
    ///
    /// # Errors
    /// When that does not come about.
    pub async fn settled(&self) -> anyhow::Result<()> {
        wait::until("the cluster to settle", wait::SOON, || async {
            let leader = &self.nodes[self.find_leader().await?].name;
            for node in self.nodes.iter().filter(|node| node.is_running()) {
                is_settled(&node.client, leader).await.with_context(|| node.name.clone())?;
            }
            Ok(())
        })
        .await
    }

    /// Waits for a leader that knows that it leads, and returns its position in `nodes`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn leader(&self) -> anyhow::Result<usize> {
        wait::until("a leader", wait::SOON, || self.find_leader()).await
    }

    /// The node that says that it leads, in a term that no other node exceeds: one that was frozen may say so of an old term.
    async fn find_leader(&self) -> anyhow::Result<usize> {
        let mut answers = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.is_running()) {
            // A frozen node does not answer; the others are asked all the same.
            let Ok(answer) = tokio::time::timeout(Duration::from_millis(500), node.client.status()).await else { continue };
            answers.extend(answer.ok().map(|status| (at, status)));
        }
        let newest = answers.iter().map(|(_, status)| status.term).max().unwrap_or(0);
        let leads = |(at, status): &&(usize, v1::GetClusterStatusResponse)| {
            let name = &self.nodes[*at].name;
            status.term == newest
                && status.leader == *name
                && status.nodes.iter().any(|n| n.name == *name && n.role() == v1::NodeRole::Leader)
        };
        let told =
            || answers.iter().map(|(at, s)| format!("{} says {:?} in term {}", self.nodes[*at].name, s.leader, s.term)).collect::<Vec<_>>();
        answers.iter().find(leads).map(|(at, _)| *at).with_context(|| format!("{:?}", told()))
    }

    /// Whether a node leads at this moment, as far as those that answer know.
    pub async fn leads(&self, node: usize) -> bool {
        self.find_leader().await.is_ok_and(|leader| leader == node)
    }

    /// Some node that runs and does not lead.
    ///
    /// # Errors
    /// When there is no leader or no other node.
    pub async fn follower(&self) -> anyhow::Result<usize> {
        let leader = self.leader().await?;
        (0..self.nodes.len()).find(|at| *at != leader && self.nodes[*at].is_running()).context("a node that does not lead")
    }

    /// Position of the node that owns a segment, as the leader knows it.
    ///
    /// # Errors
    /// When nobody owns it.
    pub async fn owner(&self, segment: &str) -> anyhow::Result<usize> {
        Ok(self.tenure(segment).await?.0)
    }

    /// Waits until every segment is with its home again.
    ///
    /// # Errors
    /// When one is not.
    pub async fn at_home(&self) -> anyhow::Result<()> {
        wait::until("every segment to be at home", 2 * wait::SOON, || async {
            let status = self.nodes[self.find_leader().await?].client.status().await?;
            let away = status.segments.iter().find(|segment| segment.owner != segment.home);
            away.map_or(Ok(()), |segment| bail!("{} is with {:?}, not with {}", segment.name, segment.owner, segment.home))
        })
        .await?;
        self.settled().await
    }

    /// Clients of every node but one.
    #[must_use]
    pub fn clients_but(&self, node: usize) -> Vec<Client> {
        self.nodes.iter().enumerate().filter(|(at, _)| *at != node).map(|(_, node)| node.client.clone()).collect()
    }

    /// What a segment's owner is entitled to: its position, and the epoch, as the leader knows them.
    ///
    /// # Errors
    /// When nobody owns it.
    pub async fn tenure(&self, segment: &str) -> anyhow::Result<(usize, u64)> {
        wait::until(&format!("an owner of {segment}"), wait::SOON, || async {
            let status = self.nodes[self.find_leader().await?].client.status().await?;
            let found = status.segments.into_iter().find(|s| s.name == segment).with_context(|| format!("no segment {segment}"))?;
            let owner = self.nodes.iter().position(|node| node.name == found.owner);
            Ok((owner.with_context(|| format!("owner {:?}", found.owner))?, found.epoch))
        })
        .await
    }

    /// The address from which devices see a node, if the test asked for a network.
    #[must_use]
    pub fn field_address(&self, node: usize) -> Option<IpAddr> {
        self.network.as_ref().map(|network| network.field_address(node))
    }

    /// Sets a setpoint as a careful client does: the same request, with the same id, to one node after the other until one
    /// answers. Begins with the node at `first`.
    ///
    /// # Errors
    /// When nobody answers by the deadline.
    pub async fn set(&self, first: usize, request: v1::SetSetpointRequest) -> anyhow::Result<v1::Command> {
        set_anywhere(&self.clients(), first, request).await
    }

    /// A client of each node.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        self.nodes.iter().map(|node| node.client.clone()).collect()
    }

    /// Waits until every running node has applied what `at` (a log index) says.
    ///
    /// # Errors
    /// When one does not.
    pub async fn applied(&self, at: u64) -> anyhow::Result<()> {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            wait::until(&format!("{} to apply {at}", node.name), wait::SOON, || async {
                let status = node.client.status().await?;
                let own = status.nodes.iter().find(|n| n.name == node.name).context("the node itself")?;
                ensure!(own.applied_index >= at, "{}", own.applied_index);
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// The gRPC addresses of all nodes, as the command line takes them.
    #[must_use]
    pub fn endpoints(&self) -> String {
        self.nodes.iter().map(|node| node.grpc.address().to_string()).collect::<Vec<_>>().join(",")
    }

    /// The site file.
    #[must_use]
    pub fn site_file(&self) -> PathBuf {
        self.dir.path().join("site.toml")
    }

    /// The test's own directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The lab on paper.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Ends the test: whatever was done to them, no process may have panicked.
    ///
    /// # Errors
    /// When one has.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.plant.process().must_not_have_panicked()?;
        for node in &self.nodes {
            ensure!(!node.log().contains("panicked at"), "{} panicked", node.name);
        }
        self.finished = true;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.finished {
            self.dir.disable_cleanup(true);
            for node in &mut self.nodes {
                print_tail(&node.name, &node.log());
            }
            print_tail("sim", &self.plant.process().log());
            eprintln_test(&format!("logs and data are kept in {}", self.dir.path().display()));
        }
    }
}

fn print_tail(name: &str, log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    eprintln_test(&format!("--- {name}, the end of its log:\n{}", lines[lines.len().saturating_sub(25)..].join("\n")));
}

#[expect(clippy::print_stderr, reason = "the test runner shows what a failed test printed")]
fn eprintln_test(text: &str) {
    eprintln!("{text}");
}

/// Lets the node behind `client` join the site of the node at `to`, and waits until it votes.
///
/// # Errors
/// When it is refused.
pub async fn join(client: &Client, to: &str) -> anyhow::Result<()> {
    let mut progress = client.cluster().join_cluster(v1::JoinClusterRequest { to: to.to_owned() }).await?.into_inner();
    let mut stage = String::new();
    while let Some(step) = progress.next().await {
        stage = step?.stage;
    }
    ensure!(stage == "voter", "the join ended as {stage:?}");
    Ok(())
}

/// As [`Cluster::set`], over any clients.
///
/// # Errors
/// When nobody answers by the deadline.
pub async fn set_anywhere(clients: &[Client], first: usize, request: v1::SetSetpointRequest) -> anyhow::Result<v1::Command> {
    let turn = std::cell::Cell::new(first);
    wait::until(&format!("an answer to {} {}", request.id, request.tag), 2 * wait::SOON, || {
        let client = &clients[turn.get() % clients.len()];
        turn.set(turn.get() + 1);
        let request = request.clone();
        async move {
            // Shorter than a client's patience: a killed node's silence must not use up the deadline.
            let answer = tokio::time::timeout(Duration::from_secs(3), client.set(request)).await?;
            answer.map_err(|status| anyhow::anyhow!("{status}"))
        }
    })
    .await
}

async fn is_settled(client: &Client, leader: &str) -> anyhow::Result<()> {
    let status = client.status().await?;
    ensure!(status.leader == leader, "the leader is {:?}, not {leader:?}", status.leader);
    for segment in &status.segments {
        ensure!(!segment.owner.is_empty(), "{} has no owner", segment.name);
    }
    for reading in client.readings("**").await? {
        let quality = reading.sample.as_ref().map_or(Quality::Unspecified, v1::Sample::quality);
        ensure!(quality == Quality::Good, "{} is {}", reading.tag, quality.as_str_name());
    }
    Ok(())
}
