//! What a demonstration consists of: its nodes, ports and files. Pure: nothing here touches a disk or a socket.
//!
//! | port | what listens there |
//! |---|---|
//! | base + 0, 1, 2 ... | gRPC of lab-a, lab-b, lab-c ... |
//! | base + 80, 81, 82 ... | HTTP of the same |
//! | base + 99 | the simulated plant's control |
//! | base + 100, 101 ... | the simulated devices, in the order of their names |

use crate::cli::error::CliError;
use labkeeper_model::ErrorCode;
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, TableLike, value};

/// Most nodes: a majority of seven survives three failures, and each further node slows every commit.
pub(super) const NODES_MAX: u16 = 7;
/// Distance of the HTTP ports from the gRPC ports: more than [`NODES_MAX`].
const HTTP: u16 = 80;
/// Distance of the plant's control port.
const CONTROL: u16 = 99;
/// Distance of the first device's port.
const DEVICES: u16 = 100;
/// Largest base port: room for a thousand devices above it.
const BASE_MAX: u16 = u16::MAX - DEVICES - 1_000;

/// The lab that is simulated, with addresses and homes to be replaced.
const SITE: &str = include_str!("../../../../deploy/demo/site.toml");

/// A demonstration. It is kept in its directory, so that the next one there goes on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// How many nodes.
    pub(super) nodes: u16,
    /// The port that all others are counted from.
    pub(super) base_port: u16,
}

/// One node of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodePlan {
    /// `lab-a`, `lab-b`, ...
    pub(super) name: String,
    /// `127.0.0.1:PORT`
    pub(super) grpc: String,
    /// `127.0.0.1:PORT`
    pub(super) http: String,
}

impl Plan {
    /// Checks the numbers.
    ///
    /// # Errors
    /// Too few or too many nodes, or a base port without room above it.
    pub(super) fn new(nodes: u16, base_port: u16) -> Result<Self, CliError> {
        let refuse = |what: String, remedy: String| Err(CliError::usage(ErrorCode::BadRequest, what, &remedy));
        if !(1..=NODES_MAX).contains(&nodes) {
            return refuse(format!("--nodes {nodes} is not between 1 and {NODES_MAX}"), "choose 3 or 5".to_owned());
        }
        if !(1_024..=BASE_MAX).contains(&base_port) {
            let remedy = format!("choose one between 1024 and {BASE_MAX}");
            return refuse(format!("--base-port {base_port} leaves no room for the other ports, or needs a privilege"), remedy);
        }
        Ok(Self { nodes, base_port })
    }

    /// The nodes, in the order in which they join.
    #[must_use]
    pub(super) fn nodes(&self) -> Vec<NodePlan> {
        let node = |(i, letter): (u16, char)| NodePlan {
            name: format!("lab-{letter}"),
            grpc: format!("127.0.0.1:{}", self.base_port + i),
            http: format!("127.0.0.1:{}", self.base_port + HTTP + i),
        };
        (0..self.nodes).zip('a'..='z').map(node).collect()
    }

    /// Where the plant's control listens.
    #[must_use]
    pub(super) fn control(&self) -> String {
        format!("127.0.0.1:{}", self.base_port + CONTROL)
    }

    /// Every address that must be free before a start; `devices` are the simulated ones' own.
    #[must_use]
    pub(super) fn addresses(&self, devices: &[String]) -> Vec<String> {
        let nodes = self.nodes();
        let of_nodes = nodes.into_iter().flat_map(|node| [node.grpc, node.http]);
        of_nodes.chain([self.control()]).chain(devices.iter().cloned()).collect()
    }

    /// The text of a node's file; its data is in a folder of its name beside it.
    #[must_use]
    pub(super) fn node_toml(&self, node: &NodePlan) -> String {
        let NodePlan { name, grpc, http } = node;
        let seeds: Vec<String> = self.nodes().iter().map(|node| format!("{:?}", node.grpc)).collect();
        let seeds = seeds.join(", ");
        format!(
            "[node]\nname = \"{name}\"\ndata_dir = \"{name}\"\nreach = [\"*\"]\n\n[listen]\ngrpc = \"{grpc}\"\nhttp = \"{http}\"\n\n\
             [cluster]\nseeds = [{seeds}]\n"
        )
    }

    /// The text of the site's file: devices at their ports on this machine, homes on the nodes that there are.
    ///
    /// # Errors
    /// The template is damaged, which is a fault of the program.
    pub(super) fn site_toml(&self) -> Result<String, CliError> {
        let fault = |what: &str| CliError::internal(format!("the demonstration's site file: {what}"));
        let mut site: DocumentMut = SITE.parse().map_err(|error: toml_edit::TomlError| fault(error.message()))?;
        let nodes = self.nodes();
        let segments = site["segments"].as_table_like_mut().ok_or_else(|| fault("no segments"))?;
        set_each(segments, "home", |i| nodes[i % nodes.len()].name.clone());
        let devices = site["devices"].as_table_like_mut().ok_or_else(|| fault("no devices"))?;
        set_each(devices, "address", |i| format!("127.0.0.1:{}", usize::from(self.base_port + DEVICES) + i));
        Ok(site.to_string())
    }
}

/// Sets a key of each table in a group, by its position in the order of the names.
fn set_each(group: &mut dyn TableLike, key: &str, text: impl Fn(usize) -> String) {
    let mut names: Vec<String> = group.iter().map(|(name, _)| name.to_owned()).collect();
    names.sort();
    for (i, name) in names.iter().enumerate() {
        if let Some(item) = group.get_mut(name).and_then(|table| table.as_table_like_mut()).and_then(|table| table.get_mut(key)) {
            *item = value(text(i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NodeConfig, SiteFile};

    fn site(plan: Plan) -> labkeeper_model::site::SiteSpec {
        SiteFile::parse(&plan.site_toml().expect("a text"), "site.toml").expect("an accepted file").site
    }

    #[test]
    fn every_node_gets_a_file_that_is_accepted() {
        let plan = Plan::new(3, 7600).expect("a plan");
        for node in plan.nodes() {
            let config = NodeConfig::parse(&plan.node_toml(&node), "node.toml").expect("an accepted file");
            assert_eq!((config.name.as_str(), config.advertise_grpc.as_str()), (node.name.as_str(), node.grpc.as_str()));
            assert_eq!(config.seeds, ["127.0.0.1:7600", "127.0.0.1:7601", "127.0.0.1:7602"]);
        }
        assert_eq!(plan.nodes()[2].http, "127.0.0.1:7682");
    }

    #[test]
    fn homes_are_spread_over_the_nodes_that_there_are() {
        let homes = |nodes| -> Vec<String> {
            let plan = Plan::new(nodes, 7600).expect("a plan");
            site(plan).segments.values().map(|segment| segment.home.as_ref().expect("a home").to_string()).collect()
        };
        assert_eq!(homes(3), ["lab-a", "lab-b", "lab-c"]);
        assert_eq!(homes(2), ["lab-a", "lab-b", "lab-a"]);
        assert_eq!(homes(1), ["lab-a", "lab-a", "lab-a"]);
    }

    #[test]
    fn each_device_has_its_own_port_above_the_base() {
        let devices = site(Plan::new(3, 20_000).expect("a plan")).devices;
        let addresses: Vec<&str> = devices.values().map(|device| device.address.as_str()).collect();
        let expected: Vec<String> = (0..devices.len()).map(|i| format!("127.0.0.1:{}", 20_100 + i)).collect();
        assert_eq!(addresses, expected);
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        assert!(Plan::new(0, 7600).is_err() && Plan::new(8, 7600).is_err());
        assert!(Plan::new(3, 80).is_err() && Plan::new(3, 65_000).is_err());
        assert!(Plan::new(7, BASE_MAX).is_ok());
    }
}
