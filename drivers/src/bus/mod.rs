//! One task per connection, which owns it and does one request at a time.
//!
//! Devices at the same address share a bus (a gateway with several units behind one port); everything else is apart, so a
//! dead device stalls nobody but its neighbours on the same wire, and those only within the bound that the turns keep.
//!
//! ```text
//!   handle.rs ── commands ──► lanes.rs ──► task.rs, commands.rs ──► driver
//!       ▲                                     │      ▲
//!       └── stats.rs, milestones.rs, journal.rs ◄─┘      └── factory.rs, at each start
//! ```
//!
//! Commands overtake polls, and a poll of several requests is interrupted between two of them. Devices take turns with their commands;
//! of one device writes go first, then single reads. After a burst of commands one poll request goes between, so a flood of commands
//! cannot blind the operators.
//!
//! A task that panics or hangs is made anew by whoever runs it; the handles stay.
//!
//! It knows nothing of leases and setpoints: the owner brings a permit and each write a guard, which are asked right before the frame is
//! sent. Nothing is written to a device before it has been read once.

mod board;
mod commands;
mod factory;
mod handle;
mod journal;
mod lanes;
mod milestones;
mod options;
mod stats;
mod task;

pub use factory::{BusFactory, BusTask};
pub use handle::BusHandle;
pub use journal::{ENTRIES_MAX, Fate, WriteEntry};
pub use lanes::{QUEUE_LEN, Written};
pub use milestones::Milestones;
pub use options::{BusOptions, Permit, Progress};
pub use stats::{BusStats, DeviceStats, ErrorCounts, QueueStats};

use labkeeper_model::site::{DeviceSpec, DriverKind, Fencing};
use labkeeper_model::{Name, Sample};
use std::collections::BTreeMap;

/// Takes what a bus reads.
pub trait Sink: Send + Sync {
    /// One reading, good or bad, in the order of its time. Called from the bus task: it must not wait for anything.
    ///
    /// Every poll gives one sample for each tag that it was to read. A bad one carries the last good value of this bus.
    /// While a device or its connection is in its back-off, nothing is read and nothing is reported.
    fn sample(&self, device: &Name, tag: &Name, sample: Sample);
}

/// What one connection is for.
#[derive(Clone, Debug, PartialEq)]
pub struct BusSpec {
    /// How to talk to all of its devices.
    pub driver: DriverKind,
    /// Where it leads: `host:port`.
    pub address: String,
    /// The devices behind it, by name. All have this driver and this address.
    pub devices: BTreeMap<Name, DeviceSpec>,
}

impl BusSpec {
    /// The gate before its devices, if there is one, with their segment. Devices at one address are behind the same gate or none.
    #[must_use]
    pub fn gate(&self) -> Option<(&Name, &str)> {
        self.devices.values().find_map(|device| match &device.fencing {
            Fencing::Gate { address } => Some((&device.segment, address.as_str())),
            _ => None,
        })
    }
}

/// Groups devices into buses: those with the same driver and address share one. Ordered by driver and address.
#[must_use]
pub fn buses(devices: impl Iterator<Item = (Name, DeviceSpec)>) -> Vec<BusSpec> {
    let mut by_address: BTreeMap<(DriverKind, String), BusSpec> = BTreeMap::new();
    for (name, device) in devices {
        let bus = by_address.entry((device.driver, device.address.clone())).or_insert_with(|| BusSpec {
            driver: device.driver,
            address: device.address.clone(),
            devices: BTreeMap::new(),
        });
        bus.devices.insert(name, device);
    }
    by_address.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::site::OnLeaseLoss;
    use std::time::Duration;

    fn device(address: &str, unit_id: u8) -> DeviceSpec {
        DeviceSpec {
            segment: Name::new("cryo").unwrap(),
            description: String::new(),
            driver: DriverKind::ModbusTcp,
            address: address.into(),
            unit_id,
            poll: Duration::from_millis(100),
            timeout: Duration::from_millis(100),
            fencing: Fencing::LeaseOnly,
            watchdog: None,
            on_lease_loss: OnLeaseLoss::Hold,
            simulate: None,
            tags: BTreeMap::new(),
            ..DeviceSpec::default()
        }
    }

    #[test]
    fn devices_at_one_address_share_a_bus() {
        let named = |name: &str, address: &str, unit| (Name::new(name).unwrap(), device(address, unit));
        let buses = buses([named("a", "10.0.0.1:502", 1), named("b", "10.0.0.2:502", 1), named("c", "10.0.0.1:502", 2)].into_iter());
        let shape: Vec<(&str, Vec<&str>)> =
            buses.iter().map(|b| (b.address.as_str(), b.devices.keys().map(Name::as_str).collect())).collect();
        assert_eq!(shape, [("10.0.0.1:502", vec!["a", "c"]), ("10.0.0.2:502", vec!["b"])]);
    }
}
