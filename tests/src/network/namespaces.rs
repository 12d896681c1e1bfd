//! A network whose links can be cut, out of Linux' own parts: every node in a network namespace, joined by bridges. Packets
//! that are lost here are lost as on a broken wire, and TCP does what TCP does. Needs root.
//!
//! ```text
//!            test 198.18.N.254                    N: chosen per test
//!              |
//!   ===== m: clients, 198.18.N.0/24 ===========
//!      |           |                      |
//!   [node 0]    [node 1]    ...        [plant]     one namespace each
//!    |   |       |   |                    |
//!   =|===+= c: between nodes, 198.19.0.0/24       |
//!    +===========+=== f: field, 198.19.1.0/24 ====+
//! ```
//! A way is cut by a lie in the sender's table of neighbours: its packets carry an address that nobody has, and the bridge
//! delivers them to nobody. The sender is not told, as it would not be by a broken switch. The namespaces belong to processes
//! that hold them open, so they vanish with the test, however it ends.

use super::links::{End, Links, Way};
use crate::process::Process;
use crate::wait;
use anyhow::{Context as _, ensure};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Nobody's link address: locally administered, and given to no interface.
const NOBODY: &str = "02:00:00:00:00:01";
/// The plant's host number on every network; nodes count from 1.
const PLANT: u8 = 100;
/// The test's host number on the clients' network.
const TEST: u8 = 254;
/// Tries to find a free number N. With 20 tests at a time, 20 tries fail once in (254/20)^20 times.
const TRIES: usize = 20;

/// Running namespaces. Dropping them removes them, once nothing runs in them.
#[derive(Debug)]
pub struct Namespaces {
    number: u8,
    _switch: Room,
    nodes: Vec<Room>,
    plant: Room,
    cut: BTreeSet<Way>,
}

impl Namespaces {
    /// Namespaces for `count` nodes and a plant, with their links up. `dir` takes the holders' logs.
    ///
    /// # Errors
    /// When this machine does not allow it: the reason.
    pub async fn start(count: usize, dir: &Path) -> anyhow::Result<Self> {
        allowed()?;
        let switch = Room::open("switch", dir).await?;
        let number = uplink(&switch)?;
        let mut nodes = Vec::new();
        for n in 0..count {
            nodes.push(Room::open(&format!("room-{n}"), dir).await?);
        }
        let plant = Room::open("room-plant", dir).await?;
        let mut ports = String::new();
        for bridge in ["c", "f", "m"] {
            let _ = writeln!(ports, "link add name {bridge} type bridge\nlink set dev {bridge} up");
        }
        ports.push_str("link set dev up0 master m up\n");
        for (n, room) in nodes.iter().enumerate() {
            ports.push_str(&room.wires(n, &["c", "f", "m"]));
        }
        ports.push_str(&plant.wires(count, &["f", "m"]));
        switch.ip(&ports)?;
        let namespaces = Self { number, _switch: switch, nodes, plant, cut: BTreeSet::new() };
        for (n, room) in namespaces.nodes.iter().enumerate() {
            room.ip(&namespaces.addresses(host(n), &["c", "f", "m"]))?;
        }
        namespaces.plant.ip(&namespaces.addresses(PLANT, &["f", "m"]))?;
        Ok(namespaces)
    }

    fn addresses(&self, host: u8, networks: &[&str]) -> String {
        let mut lines = "link set dev lo up\n".to_owned();
        for network in networks {
            let address = match *network {
                "c" => cluster_address(host),
                "f" => field_address(host),
                _ => self.client_address(host),
            };
            let _ = writeln!(lines, "addr add {address}/24 dev {network}0\nlink set dev {network}0 up");
        }
        lines
    }

    fn client_address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, host)
    }

    /// Where clients reach a node.
    #[must_use]
    pub fn for_clients(&self, node: usize) -> Ipv4Addr {
        self.client_address(host(node))
    }

    /// Where the test reaches the plant's controls.
    #[must_use]
    pub fn plant_control(&self) -> Ipv4Addr {
        self.client_address(PLANT)
    }

    /// Where other nodes reach a node.
    #[must_use]
    pub fn for_nodes(node: usize) -> Ipv4Addr {
        cluster_address(host(node))
    }

    /// The address from which devices see a node.
    #[must_use]
    pub fn field_address(node: usize) -> Ipv4Addr {
        field_address(host(node))
    }

    /// Where nodes reach the devices.
    #[must_use]
    pub fn for_devices() -> Ipv4Addr {
        field_address(PLANT)
    }

    /// What a command line begins with so that it runs where a node lives.
    #[must_use]
    pub fn enter_node(&self, node: usize) -> Vec<String> {
        self.nodes[node].enter()
    }

    /// What a command line begins with so that it runs where the plant stands.
    #[must_use]
    pub fn enter_plant(&self) -> Vec<String> {
        self.plant.enter()
    }

    /// Lets pass what `links` says, from this moment on.
    ///
    /// # Errors
    /// When the kernel refuses a command.
    pub fn set(&mut self, links: &Links) -> anyhow::Result<()> {
        let wanted = links.all_cut();
        for way in wanted.symmetric_difference(&self.cut) {
            let (room, device, address) = self.neighbour(*way);
            let line = if wanted.contains(way) {
                format!("neigh replace {address} lladdr {NOBODY} dev {device} nud permanent\n")
            } else {
                format!("neigh del {address} dev {device}\n")
            };
            room.ip(&line)?;
        }
        self.cut.clone_from(wanted);
        Ok(())
    }

    /// Who must be lied to, on which interface, about whom.
    fn neighbour(&self, (from, to): Way) -> (&Room, &'static str, Ipv4Addr) {
        match (from, to) {
            (End::Node(from), End::Node(to)) => (&self.nodes[from], "c0", Self::for_nodes(to)),
            (End::Node(from), End::Field) => (&self.nodes[from], "f0", Self::for_devices()),
            (End::Field, End::Node(to)) => (&self.plant, "f0", Self::field_address(to)),
            (End::Field, End::Field) => (&self.plant, "f0", Self::for_devices()),
        }
    }
}

/// Whether this machine lets us make namespaces and links.
///
/// # Errors
/// When it does not: the reason.
pub fn allowed() -> anyhow::Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "network namespaces need root");
    ip(&["unshare".into(), "--net".into()], "link add name m type bridge\nlink add name a type veth peer name b\n")
}

fn host(node: usize) -> u8 {
    u8::try_from(node + 1).unwrap_or(PLANT - 1)
}

const fn cluster_address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 19, 0, host)
}

const fn field_address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 19, 1, host)
}

/// Ties the clients' network to the test's own, under a number that no other test uses: the kernel refuses a name twice.
fn uplink(switch: &Room) -> anyhow::Result<u8> {
    let mut refused = String::new();
    for _ in 0..TRIES {
        let number: u8 = rand::random_range(1..=254);
        let name = format!("labkeeper{number}");
        let lines = format!("link add name {name} type veth peer name up0 netns {}\n", switch.pid());
        match ip(&[], &lines) {
            Ok(()) => {
                ip(&[], &format!("addr add 198.18.{number}.{TEST}/24 dev {name}\nlink set dev {name} up\n"))?;
                return Ok(number);
            }
            Err(error) => refused = error.to_string(),
        }
    }
    anyhow::bail!("no link into a namespace: {refused}")
}

/// A namespace, held open by a process that sleeps in it.
#[derive(Debug)]
struct Room(Process);

impl Room {
    async fn open(name: &str, dir: &Path) -> anyhow::Result<Self> {
        let own = std::fs::read_link("/proc/self/ns/net")?;
        let args = ["--net", "sleep", "infinity"];
        let room = std::cell::RefCell::new(Self(Process::start(name, Path::new("unshare"), &args, &dir.join(format!("{name}.log")))?));
        wait::until("a network namespace", wait::SOON, || async {
            let mut room = room.borrow_mut();
            room.0.must_run()?;
            let its = std::fs::read_link(format!("/proc/{}/ns/net", room.pid()))?;
            ensure!(its != own, "{name} is still in the test's own");
            Ok(())
        })
        .await?;
        Ok(room.into_inner())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn enter(&self) -> Vec<String> {
        vec!["nsenter".into(), format!("--net=/proc/{}/ns/net", self.pid())]
    }

    /// Lines that give this room an interface to each of the networks: `c0`, `f0`, `m0` on its side.
    fn wires(&self, n: usize, networks: &[&str]) -> String {
        let mut lines = String::new();
        for network in networks {
            let pid = self.pid();
            let _ = writeln!(lines, "link add name {network}-{n} type veth peer name {network}0 netns {pid}");
            let _ = writeln!(lines, "link set dev {network}-{n} master {network} up");
        }
        lines
    }

    fn ip(&self, lines: &str) -> anyhow::Result<()> {
        ip(&self.enter(), lines)
    }
}

/// Runs lines of `ip`, all in one process, behind `enter`.
fn ip(enter: &[String], lines: &str) -> anyhow::Result<()> {
    let words: Vec<&str> = enter.iter().map(String::as_str).chain(["ip", "-batch", "-"]).collect();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {} (packages iproute2 and util-linux)", words[0]))?;
    child.stdin.take().context("a piped stdin")?.write_all(lines.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "ip: {}\n{lines}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

#[cfg(test)]
#[path = "namespaces_tests.rs"]
mod tests;
