//! Points in time as plain data. There is no clock here: whoever needs the time is given it.

use std::time::Duration;

/// UTC, in nanoseconds since 1970-01-01 (until the year 2262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(unix_ms: i64) -> Self {
        Self(unix_ms.saturating_mul(1_000_000))
    }

    /// Whole milliseconds since 1970, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time plus `duration`; stops at the end of representable time instead of overflowing.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}
