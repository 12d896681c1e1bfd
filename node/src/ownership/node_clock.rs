//! The node's clocks as drivers know them, so that what is measured and what is recorded follows the same clocks as the lease.

use crate::clock;
use labkeeper_drivers::clock::Clock;
use labkeeper_model::Timestamp;

/// The node's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeClock;

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn boot_ns(&self) -> u64 {
        clock::boot().0
    }
}
