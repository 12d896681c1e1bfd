//! The one place that reads the wall clock.

use labkeeper_model::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time by this machine's clock: UTC. Before 1970 or after 2262 it stands still at the edge.
#[must_use]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}
