//! A lab on paper: the site file of a test, with the ports of its simulated devices.

use crate::ports::Port;
use crate::repo::root;
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// A site file in the making.
#[derive(Debug)]
pub struct Lab {
    text: String,
    ports: Vec<Port>,
}

/// How many setpoints each register bank of [`Lab::standard`] has: `s00`, `s01`, ...
pub const SETPOINTS: usize = 16;

/// A register bank's owner register, beside everything else that it holds.
const FENCE: &str = "fence = { register = \"holding:2000\" }";

impl Lab {
    /// A site without anything.
    #[must_use]
    pub fn empty() -> Self {
        Self { text: "[site]\nname = \"Test lab\"\n".into(), ports: Vec::new() }
    }

    /// Three segments at home on the first three nodes, each with a register bank (`bank-cryo`, `bank-furnace`,
    /// `bank-vacuum`).
    ///
    /// # Errors
    /// When there is no free port.
    pub fn standard() -> anyhow::Result<Self> {
        Self::spread(3)
    }

    /// As [`Lab::standard`] for a cluster of `nodes`: homes go round.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn spread(nodes: usize) -> anyhow::Result<Self> {
        let mut lab = Self::empty();
        for (at, segment) in ["cryo", "furnace", "vacuum"].into_iter().enumerate() {
            lab = lab.segment(segment, &node_name(at % nodes)).bank(segment, &format!("bank-{segment}"))?;
        }
        Ok(lab)
    }

    /// A lab for bad days: as [`Lab::standard`], with two devices that tell the epoch of each write and one that cannot, and
    /// with segments that return to their homes within a second, so that one day begins as the other.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn for_bad_days() -> anyhow::Result<Self> {
        let lab = Self::standard()?.homes_return_after("1s");
        Ok(lab.device_key("bank-cryo", FENCE).device_key("bank-furnace", FENCE))
    }

    /// How long a home node must live until its segments return to it: "30s", "off".
    #[must_use]
    pub fn homes_return_after(mut self, failback: &str) -> Self {
        self.text = self.text.replacen("[site]\n", &format!("[site]\nfailback = \"{failback}\"\n"), 1);
        self
    }

    /// Gives a device one more key.
    #[must_use]
    pub fn device_key(mut self, device: &str, line: &str) -> Self {
        let head = format!("[devices.{device}]\n");
        self.text = self.text.replacen(&head, &format!("{head}{line}\n"), 1);
        self
    }

    /// The demo's lab (`deploy/demo/site.toml`: chiller, furnace, vacuum stand and more, with physics), on ports of the test's
    /// own. Its homes are the first three nodes.
    ///
    /// # Errors
    /// When the file is missing or there is no free port.
    pub fn demo() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root().join("deploy/demo/site.toml")).context("reading deploy/demo/site.toml")?;
        let mut lab = Self { text: String::new(), ports: Vec::new() };
        // Devices behind one gateway share an address, and go on sharing one.
        let mut addresses: BTreeMap<String, String> = BTreeMap::new();
        for line in text.lines() {
            let Some(address) = line.strip_prefix("address = ") else {
                lab = lab.text(line).text("\n");
                continue;
            };
            if !addresses.contains_key(address) {
                let port = Port::reserve()?;
                addresses.insert(address.to_owned(), port.address().to_string());
                lab.ports.push(port);
            }
            let line = format!("address = {:?}\n", addresses[address]);
            lab = lab.text(&line);
        }
        Ok(lab)
    }

    /// Adds a segment at home on a node.
    #[must_use]
    pub fn segment(self, name: &str, home: &str) -> Self {
        self.text(&format!("\n[segments.{name}]\ndescription = \"{name} hall\"\nhome = \"{home}\"\n"))
    }

    /// Adds a register bank: what is written to it is read back. Tags: `s00`.. (u32), `gain` (f32, 0 to 100 mV),
    /// `ready` (bool), `level` (u16, read only).
    ///
    /// # Errors
    /// When there is no free port.
    pub fn bank(mut self, segment: &str, device: &str) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let mut tags = String::new();
        for n in 0..SETPOINTS {
            // Writing into a String cannot fail.
            let _ = writeln!(tags, "s{n:02} = {{ register = \"holding:{}\", type = \"u32\", access = \"rw\", unit = \"counts\" }}", 2 * n);
        }
        let text = format!(
            r#"
[devices.{device}]
segment = "{segment}"
driver = "modbus-tcp"
address = "{address}"
unit_id = 1
poll = "100ms"
timeout = "300ms"
simulate = "bank"

[devices.{device}.tags]
{tags}level = {{ register = "input:0", type = "u16", unit = "mm" }}
ready = {{ register = "coil:0", type = "bool", access = "rw" }}

[devices.{device}.tags.gain]
register = "holding:1000"
type = "f32"
access = "rw"
unit = "mV"
limits = {{ min = 0.0, max = 100.0 }}
verify = {{ readback = "gain", tolerance = 0.01, timeout = "2s" }}
"#,
            address = port.address()
        );
        self.ports.push(port);
        Ok(self.text(&text))
    }

    /// Adds a simulated device of any kind, with the lines of its tags.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn device(self, segment: &str, device: &str, simulate: &str, tags: &str) -> anyhow::Result<Self> {
        let port = Port::reserve()?;
        let address = port.address();
        let head =
            format!("segment = \"{segment}\"\ndriver = \"modbus-tcp\"\naddress = \"{address}\"\npoll = \"100ms\"\ntimeout = \"300ms\"");
        let text = format!("\n[devices.{device}]\n{head}\nsimulate = \"{simulate}\"\n\n[devices.{device}.tags]\n{tags}");
        Ok(self.text(&text).port(port))
    }

    /// Adds any text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Keeps a port reserved as long as the lab.
    #[must_use]
    pub fn port(mut self, port: Port) -> Self {
        self.ports.push(port);
        self
    }

    /// Where the devices are, each address once.
    #[must_use]
    pub fn devices(&self) -> Vec<SocketAddr> {
        let addresses: BTreeSet<SocketAddr> = self.text.lines().filter_map(address).collect();
        addresses.into_iter().collect()
    }

    /// The segment of each device.
    ///
    /// # Errors
    /// When the site file is no TOML.
    pub fn segments_of_devices(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let site: toml::Table = self.text.parse()?;
        let devices = site.get("devices").and_then(toml::Value::as_table).into_iter().flatten();
        let segment = |device: &toml::Value| device.get("segment").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        Ok(devices.map(|(name, device)| (name.clone(), segment(device))).collect())
    }

    /// The site file with every device somewhere else.
    #[must_use]
    pub fn moved(&self, to: impl Fn(SocketAddr) -> SocketAddr) -> String {
        let line = |line: &str| match address(line) {
            Some(from) => format!("address = \"{}\"\n", to(from)),
            None => format!("{line}\n"),
        };
        self.text.lines().map(line).collect()
    }

    /// The site file.
    #[must_use]
    pub fn site_toml(&self) -> &str {
        &self.text
    }
}

/// The address of a line that is a device's `address`.
fn address(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("address = ")?.trim().trim_matches('"').parse().ok()
}

/// The name of the n-th node of a test: `lab-a`, `lab-b`, ...
#[must_use]
pub fn node_name(n: usize) -> String {
    let letter = u8::try_from(n).map_or('z', |n| char::from(b'a'.saturating_add(n)));
    format!("lab-{letter}")
}
