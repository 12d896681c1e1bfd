//! The running buses of this node, for status and metrics. Knows nothing of why they run.

use labkeeper_drivers::bus::{BusHandle, BusStats};
use labkeeper_drivers::health::HealthState;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Names a bus: devices of one segment behind one address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusKey {
    /// The segment.
    pub segment: String,
    /// The address.
    pub address: String,
}

/// The running buses.
pub type BusBoard = Mutex<BTreeMap<BusKey, BusHandle>>;

/// The statistics of all running buses.
#[must_use]
pub fn statistics(board: &BusBoard) -> Vec<(BusKey, BusStats)> {
    board.lock().iter().map(|(key, handle)| (key.clone(), handle.stats())).collect()
}

/// Devices of a bus that are within reach: all of them while there is a connection, else those that answer. Another node's probe is a connection
/// and nothing more; held against it, a device that is silent by its own fault would be handed from node to node, and answer none.
#[must_use]
pub fn devices_within_reach(stats: &BusStats) -> u64 {
    if stats.link == HealthState::Online { stats.devices.len() as u64 } else { devices_online(stats) }
}

/// Devices of a bus that answer.
#[must_use]
pub fn devices_online(stats: &BusStats) -> u64 {
    stats.devices.values().filter(|device| matches!(device.health, HealthState::Online | HealthState::Degraded)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_drivers::bus::DeviceStats;
    use labkeeper_model::Name;

    #[test]
    fn a_device_behind_a_connection_is_within_reach_though_it_is_silent() {
        let device = |name: &str, health| (Name::new(name).expect("a name"), DeviceStats { health, ..DeviceStats::default() });
        let devices = [device("silent", HealthState::Offline), device("well", HealthState::Online)];
        let of = |link| BusStats { link, devices: devices.clone().into(), ..BusStats::default() };
        for (link, reached) in
            [(HealthState::Online, 2), (HealthState::Degraded, 1), (HealthState::Offline, 1), (HealthState::Connecting, 1)]
        {
            assert_eq!((devices_within_reach(&of(link)), devices_online(&of(link))), (reached, 1), "{link:?}");
        }
    }
}
