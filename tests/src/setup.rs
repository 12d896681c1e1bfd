//! What a test asks of its cluster, and how that is built: plant, nodes, and between them a network if links are to be cut.

use crate::cluster::Cluster;
use crate::lab::{Lab, node_name};
use crate::network::{Network, Seat};
use crate::node::Node;
use crate::plant::Plant;
use std::path::PathBuf;
use tempfile::TempDir;

/// A cluster in the making.
#[derive(Debug)]
pub struct Setup {
    nodes: usize,
    lab: Lab,
    parent: PathBuf,
    network: bool,
    clocks: bool,
    reach: String,
    node_key: String,
    node_toml: String,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// `nodes` nodes over a lab, on loopback.
    #[must_use]
    pub fn new(nodes: usize, lab: Lab) -> Self {
        let parent = std::env::temp_dir();
        let (reach, node_key, node_toml, environment) = ("*".into(), String::new(), String::new(), Vec::new());
        Self { nodes, lab, parent, network: false, clocks: false, reach, node_key, node_toml, environment }
    }

    /// In a directory of its own below this one: for those who care on which disk.
    #[must_use]
    pub fn below(mut self, parent: PathBuf) -> Self {
        self.parent = parent;
        self
    }

    /// With a network whose links can be cut.
    #[must_use]
    pub fn with_network(mut self) -> Self {
        self.network = true;
        self
    }

    /// With a clock per node that can be set wrong.
    #[must_use]
    pub fn with_clocks(mut self) -> Self {
        self.clocks = true;
        self
    }

    /// With nodes that reach no other segment than this one.
    #[must_use]
    pub fn reaching_only(mut self, segment: &str) -> Self {
        segment.clone_into(&mut self.reach);
        self
    }

    /// With more lines in every node.toml.
    #[must_use]
    pub fn with_node_toml(mut self, lines: &str) -> Self {
        self.node_toml.push_str(lines);
        self
    }

    /// With this line in the table `[node]` of every node.toml.
    #[must_use]
    pub fn with_node_key(mut self, line: &str) -> Self {
        line.clone_into(&mut self.node_key);
        self
    }

    /// With one more environment variable for every node.
    #[must_use]
    pub fn with_environment(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Starts plant and nodes; no site is founded.
    ///
    /// # Errors
    /// When a process ends, or there is no network to be had.
    pub async fn uninitialised(self) -> anyhow::Result<Cluster> {
        let Self { nodes: count, lab, parent, network, clocks, reach, node_key, node_toml, environment } = self;
        let dir = TempDir::with_prefix_in("labkeeper-test-", parent)?;
        let (site, plant_site) = (dir.path().join("site.toml"), dir.path().join("plant.toml"));
        let (network, plant_seat, seats) = if network {
            let (network, plant, seats) = Network::start(count, &lab.devices(), dir.path()).await?;
            (Some(network), plant, seats)
        } else {
            (None, Seat::loopback()?, (0..count).map(|_| Seat::loopback()).collect::<Result<_, _>>()?)
        };
        let placed = |moved: &dyn Fn(&Network, _) -> _| match &network {
            Some(network) => lab.moved(|address| moved(network, address)),
            None => lab.site_toml().to_owned(),
        };
        std::fs::write(&site, placed(&Network::device_for_nodes))?;
        std::fs::write(&plant_site, placed(&Network::device_for_plant))?;
        let plant = Plant::start_at(plant_seat, &plant_site, dir.path()).await?;
        let mut nodes = Vec::new();
        for (n, seat) in seats.into_iter().enumerate() {
            let mut node = Node::prepare_at(seat, &node_name(n), dir.path(), &reach, &node_toml)?;
            if clocks {
                node.own_clock()?;
            }
            node.add_key(&node_key)?;
            environment.iter().for_each(|(key, value)| node.set_environment(key, value));
            node.launch()?;
            nodes.push(node);
        }
        // From here on a failure shows the logs.
        let mut cluster = Cluster::assemble(nodes, plant, lab, network, dir);
        for node in &mut cluster.nodes {
            node.answering().await?;
        }
        Ok(cluster)
    }

    /// Starts plant and nodes, founds the site, and waits until every segment is kept.
    ///
    /// # Errors
    /// When a process ends, or the cluster does not settle.
    pub async fn start(self) -> anyhow::Result<Cluster> {
        let mut cluster = self.uninitialised().await?;
        cluster.found().await?;
        cluster.apply().await?;
        cluster.settled().await?;
        Ok(cluster)
    }
}
