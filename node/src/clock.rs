//! The one place that reads this machine's clocks, and the one place where a test may bend them.
//!
//! The wall clock says when something happened; it may be set, and step. The boot clock measures how long something took: it goes on while
//! the machine is suspended and is never set, so leases are counted by it.
//!
//! With `LABKEEPER_CLOCK_FILE` set, both are what that file makes of them (see [`warp`]): this is how tests give one node of several on a
//! machine a clock that runs wrong. It is said loudly in the log, and is for nothing else.

mod warp;

use labkeeper_model::Timestamp;
use labkeeper_ownership::Moment;
use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use warp::ClockFile;

/// Names the file that bends the clocks.
const CLOCK_FILE: &str = "LABKEEPER_CLOCK_FILE";

/// The time by this machine's clock: UTC. Before 1970 or after 2262 it stands still at the edge.
#[must_use]
pub fn now() -> Timestamp {
    bent().map_or_else(wall, |file| {
        let mut file = file.lock();
        file.wall(wall(), true_boot())
    })
}

/// The moment by this machine's boot clock, which goes on while the machine is suspended and is never set.
#[must_use]
pub fn boot() -> Moment {
    bent().map_or_else(true_boot, |file| {
        // Looked at under the lock: of two callers, the later one sees the later moment.
        let mut file = file.lock();
        file.boot(true_boot())
    })
}

fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

fn true_boot() -> Moment {
    let since_boot = clock_gettime(ClockId::Boottime);
    // Neither part of the time since boot is ever negative; 64 bits of nanoseconds last 584 years.
    let part = |n: i64| u64::try_from(n).unwrap_or(0);
    Moment(part(since_boot.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(since_boot.tv_nsec)))
}

/// The file that bends the clocks, if there is one. Decided once, at the first look at a clock.
fn bent() -> Option<&'static Mutex<ClockFile>> {
    static FILE: OnceLock<Option<Mutex<ClockFile>>> = OnceLock::new();
    let open = || {
        let path = std::env::var_os(CLOCK_FILE)?;
        tracing::warn!("{CLOCK_FILE} is set: this node's clocks are bent by {path:?}. This is for tests only: its leases are NOT safe");
        Some(Mutex::new(ClockFile::new(path.into(), true_boot())))
    };
    FILE.get_or_init(open).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_counts_real_time() {
        let (before, started) = (boot(), std::time::Instant::now());
        while started.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let passed = boot().saturating_since(before);
        assert!(passed >= Duration::from_millis(2), "{passed:?}");
        assert!(now() > Timestamp::from_millis(1_700_000_000_000), "after November 2023");
    }
}
