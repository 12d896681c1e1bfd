//! One instrument or PLC.

use super::{Fencing, Priority, TagSpec};
use crate::Name;
use std::collections::BTreeMap;
use std::time::Duration;

/// How to talk to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriverKind {
    /// Modbus over TCP.
    ModbusTcp,
}

impl DriverKind {
    /// The word in a site file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModbusTcp => "modbus-tcp",
        }
    }

    /// The driver of that name, if this version has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::ModbusTcp.as_str()).then_some(Self::ModbusTcp)
    }
}

/// What an owner does with a device when it has lost its lease, while it may still write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnLeaseLoss {
    /// Write nothing: outputs stay as they are, until the next owner or a watchdog of the device changes them.
    #[default]
    Hold,
    /// Write every tag's safe value, before the lease runs out.
    Safe,
    /// Write nothing and rely on the device's watchdog, which runs from the moment when the connection is closed.
    StopPolling,
}

/// The declaration of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSpec {
    /// The segment whose owner talks to it.
    pub segment: Name,
    /// For people.
    pub description: String,
    /// How to talk to it.
    pub driver: DriverKind,
    /// Where it is: `host:port` for Modbus TCP.
    pub address: String,
    /// Modbus unit identifier, 0 to 255.
    pub unit_id: u8,
    /// How often its tags are read.
    pub poll: Duration,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// What keeps an earlier owner's late writes away from it.
    pub fencing: Fencing,
    /// After how long without a request the device goes to its own safe state; `None` if it has no such watchdog, or it is off.
    pub watchdog: Option<Duration>,
    /// What its owner does when it has lost its lease.
    pub on_lease_loss: OnLeaseLoss,
    /// What `labkeeper sim` pretends it is; nothing else looks at this.
    pub simulate: Option<String>,
    /// Its tags by name.
    pub tags: BTreeMap<Name, TagSpec>,
    /// Whether its tags are written only by whoever has taken control of it.
    pub exclusive: bool,
    /// How urgent it is that it does not answer.
    pub comm_priority: Priority,
}

impl Default for DeviceSpec {
    /// What a site file leaves out; segment and address stand for nothing.
    fn default() -> Self {
        Self {
            segment: Name::new("segment").expect("a name"),
            description: String::new(),
            driver: DriverKind::ModbusTcp,
            address: String::new(),
            unit_id: 1,
            poll: Self::POLL_DEFAULT,
            timeout: Self::TIMEOUT_DEFAULT,
            fencing: Fencing::default(),
            watchdog: None,
            on_lease_loss: OnLeaseLoss::default(),
            simulate: None,
            tags: BTreeMap::new(),
            exclusive: false,
            comm_priority: Priority::default(),
        }
    }
}

impl DeviceSpec {
    /// Poll interval where a site file names none: a person's sense of "live".
    pub const POLL_DEFAULT: Duration = Duration::from_millis(500);
    /// Answer time-out where a site file names none: ten times a slow serial gateway's usual 100 ms.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);
}
