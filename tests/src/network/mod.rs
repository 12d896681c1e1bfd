//! The networks of a lab in a test: between the nodes, and from the nodes to the devices. Their links can be cut in either
//! direction.
//!
//! Two makes, chosen by what the machine allows: [`Namespaces`] where there is root and `ip`, else [`Proxies`]. What either
//! cannot do, the heads of their files say. `LABKEEPER_NETWORK=namespaces` or `proxies` asks for one.

pub mod links;
pub mod namespaces;
pub mod proxies;
pub mod whose;

pub use links::{End, Links};
pub use namespaces::Namespaces;
pub use proxies::Proxies;
pub use whose::NodePid;

use crate::ports::Port;
use anyhow::{Context as _, bail};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// Ports of a node in a namespace of its own, where nobody else has any.
const GRPC: u16 = 7600;
const HTTP: u16 = 7680;
const CONTROL: u16 = 7699;

/// Where a process of the test lives, and how to get there.
#[derive(Debug)]
pub struct Seat {
    /// Where clients reach its first service: a node's gRPC, the plant's control.
    pub first: Port,
    /// Where clients reach a node's HTTP; the plant has no second service.
    pub second: Port,
    /// The address that it listens at.
    pub listen: Ipv4Addr,
    /// Where other nodes reach its gRPC.
    pub peers: SocketAddr,
    /// What its command line begins with.
    pub enter: Vec<String>,
    /// Told which process it is.
    pub pid: NodePid,
}

impl Seat {
    /// On loopback, without a network of the test's own.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn loopback() -> anyhow::Result<Self> {
        let (first, second) = (Port::reserve()?, Port::reserve()?);
        let peers = first.address();
        Ok(Self { first, second, listen: Ipv4Addr::LOCALHOST, peers, enter: Vec::new(), pid: NodePid::default() })
    }
}

#[derive(Debug)]
enum Make {
    Namespaces(Namespaces),
    Proxies(Proxies),
}

/// A network with its links.
#[derive(Debug)]
pub struct Network {
    make: Make,
    links: Links,
}

impl Network {
    /// A whole network around nodes and devices, and where to seat the plant and each node. `dir` takes logs.
    ///
    /// # Errors
    /// When there are no ports, or a make was asked for that this machine does not allow.
    #[expect(clippy::print_stdout, reason = "which network a test ran on belongs to its output")]
    pub async fn start(count: usize, devices: &[SocketAddr], dir: &Path) -> anyhow::Result<(Self, Seat, Vec<Seat>)> {
        let wanted = std::env::var("LABKEEPER_NETWORK").unwrap_or_default();
        if !["", "namespaces", "proxies"].contains(&wanted.as_str()) {
            bail!("LABKEEPER_NETWORK={wanted}: there are namespaces and proxies");
        }
        if wanted != "proxies" {
            match Namespaces::start(count, dir).await {
                Ok(namespaces) => {
                    let (plant, nodes) = seats_in(&namespaces, count);
                    return Ok((Self { make: Make::Namespaces(namespaces), links: Links::default() }, plant, nodes));
                }
                Err(error) if wanted.is_empty() => println!("proxies stand for the network: {error:#}"),
                Err(error) => return Err(error.context("LABKEEPER_NETWORK=namespaces")),
            }
        }
        let mut nodes: Vec<Seat> = (0..count).map(|_| Seat::loopback()).collect::<Result<_, _>>()?;
        let proxies = Proxies::start(&nodes.iter().map(|seat| seat.peers).collect::<Vec<_>>(), devices)?;
        for (n, seat) in nodes.iter_mut().enumerate() {
            seat.peers = proxies.of_node(n);
            seat.pid = proxies.pid(n);
        }
        Ok((Self { make: Make::Proxies(proxies), links: Links::default() }, Seat::loopback()?, nodes))
    }

    /// Where nodes find a device that the plant's site file puts at `declared`.
    #[must_use]
    pub fn device_for_nodes(&self, declared: SocketAddr) -> SocketAddr {
        match &self.make {
            Make::Namespaces(_) => self.device_for_plant(declared),
            Make::Proxies(proxies) => proxies.of_device(declared),
        }
    }

    /// Where the plant puts a device that the lab's site file puts at `declared`.
    #[must_use]
    pub fn device_for_plant(&self, declared: SocketAddr) -> SocketAddr {
        match &self.make {
            Make::Namespaces(_) => (Namespaces::for_devices(), declared.port()).into(),
            Make::Proxies(_) => declared,
        }
    }

    /// The address from which devices see a node.
    #[must_use]
    pub fn field_address(&self, node: usize) -> IpAddr {
        match &self.make {
            Make::Namespaces(_) => Namespaces::field_address(node).into(),
            Make::Proxies(_) => proxies::field_address(node).into(),
        }
    }

    /// Changes links, from this moment on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn change(&mut self, change: impl FnOnce(&mut Links)) -> anyhow::Result<()> {
        change(&mut self.links);
        match &mut self.make {
            Make::Namespaces(namespaces) => namespaces.set(&self.links).context("changing links"),
            Make::Proxies(proxies) => {
                proxies.set(&self.links);
                Ok(())
            }
        }
    }

    /// Whether a connection into a cut cannot be made, as on a real network. Before proxies it is made, and silent.
    #[must_use]
    pub fn loses_handshakes(&self) -> bool {
        matches!(self.make, Make::Namespaces(_))
    }

    /// The links as they are.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }
}

fn seats_in(namespaces: &Namespaces, count: usize) -> (Seat, Vec<Seat>) {
    let seat = |clients: Ipv4Addr, first: u16, peers: Ipv4Addr, enter| Seat {
        first: Port::fixed((clients, first).into()),
        second: Port::fixed((clients, HTTP).into()),
        listen: Ipv4Addr::UNSPECIFIED,
        peers: (peers, GRPC).into(),
        enter,
        pid: NodePid::default(),
    };
    let plant = seat(namespaces.plant_control(), CONTROL, namespaces.plant_control(), namespaces.enter_plant());
    let node = |n| seat(namespaces.for_clients(n), GRPC, Namespaces::for_nodes(n), namespaces.enter_node(n));
    (plant, (0..count).map(node).collect())
}
