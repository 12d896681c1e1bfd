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

/// Devices of a bus that answer.
#[must_use]
pub fn devices_online(stats: &BusStats) -> u64 {
    stats.devices.values().filter(|device| matches!(device.health, HealthState::Online | HealthState::Degraded)).count() as u64
}
