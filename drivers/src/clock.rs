//! Where the wall-clock time of samples comes from, so that tests and simulations can bring their own.
//!
//! Only samples carry wall-clock time. Whatever waits or measures uses tokio's monotonic clock, which a test can pause.

use labkeeper_model::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the present time, UTC.
pub trait Clock: Send + Sync {
    /// The present time. It may stand still or step back (a computer's clock does); users make it increase.
    fn now(&self) -> Timestamp;
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
}
