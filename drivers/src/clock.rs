//! Where times that leave this crate come from, so that tests and simulations can bring their own.
//!
//! Samples carry wall-clock time. Records of writes carry the boot clock, by which leases are counted, so that the two can be compared.
//! Whatever waits or measures uses tokio's monotonic clock, which a test can pause.

use labkeeper_model::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the present time.
pub trait Clock: Send + Sync {
    /// The present time, UTC. It may stand still or step back (a computer's clock does); users make it increase.
    fn now(&self) -> Timestamp;
    /// Nanoseconds since the computer was started, suspended time included. Never steps back. Comparable on one computer only.
    fn boot_ns(&self) -> u64;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock set before 1970 is broken; zero says so more plainly than a negative time would.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX))
    }

    fn boot_ns(&self) -> u64 {
        let since_boot = clock_gettime(ClockId::Boottime);
        // Neither part of the time since boot is ever negative; 64 bits of nanoseconds last 584 years.
        let part = |n: i64| u64::try_from(n).unwrap_or(0);
        part(since_boot.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(since_boot.tv_nsec))
    }
}
