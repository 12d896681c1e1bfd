//! Points in time on a node's own boot clock: the only clock that a lease is measured with.
//!
//! The boot clock counts from the machine's start, is never set, and goes on while the machine is suspended. It is not the wall clock:
//! moments of two nodes cannot be compared. There is no clock here: whoever needs the moment is given it.

use std::time::Duration;

/// Nanoseconds of the node's boot clock (enough for 584 years).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// This moment plus `duration`; stops at the end of representable time.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// This moment minus `duration`; stops at the boot.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let second = Duration::from_secs(1);
        assert_eq!(Moment(5).saturating_add(second), Moment(1_000_000_005));
        assert_eq!(Moment(5).saturating_add(Duration::MAX), Moment(u64::MAX));
        assert_eq!(Moment(5).saturating_sub(second), Moment(0));
        assert_eq!(Moment(1_000_000_005).saturating_since(Moment(5)), second);
        assert_eq!(Moment(5).saturating_since(Moment(6)), Duration::ZERO);
    }
}
