//! True time, which nobody in the world can see, and the two clocks of a node, which are wrong in their own ways.
//!
//! The boot clock runs at a rate of its own and is never set: leases are counted by it. The wall clock runs at the same wrong rate and is
//! set now and then, to and fro: stamps, deadlines and reports come from it.

use labkeeper_model::Timestamp;
use labkeeper_ownership::Moment;
use std::fmt;
use std::time::Duration;

/// True time since the world began, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SimTime(pub u64);

impl SimTime {
    /// From whole milliseconds.
    #[must_use]
    pub const fn ms(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// This time plus `duration`. A world lasts a minute: nothing overflows.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0 + nanos(duration))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for SimTime {
    /// Seconds with microseconds: `12.345678`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>2}.{:06}", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000)
    }
}

/// Nanoseconds of a duration that is far shorter than 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const MILLION: u64 = 1_000_000;
/// What the wall clocks show when the world begins, in Unix nanoseconds: the autumn of 2026.
const WALL_BEGIN: i64 = 1_790_000_000_000_000_000;

/// The clocks of one node.
#[derive(Clone, Debug)]
pub struct Clock {
    /// What the boot clock showed when the world began.
    boot_begin: u64,
    /// Millionths that pass on the node's clocks in a millionth of true time: a million is right.
    rate: u64,
    /// By how much the wall clock was set, in all.
    step: i64,
}

impl Clock {
    /// A clock that is fast by `drift_ppm` millionths (slow, if negative).
    #[must_use]
    pub const fn new(boot_begin: u64, drift_ppm: i64) -> Self {
        Self { boot_begin, rate: MILLION.saturating_add_signed(drift_ppm), step: 0 }
    }

    /// What the boot clock shows.
    #[must_use]
    pub const fn boot(&self, now: SimTime) -> Moment {
        Moment(self.boot_begin + self.elapsed(now))
    }

    /// When the boot clock shows `moment` or more for the first time.
    #[must_use]
    pub const fn when(&self, moment: Moment) -> SimTime {
        let elapsed = moment.0.saturating_sub(self.boot_begin) as u128;
        // Moments in the far future stay in the far future; a minute of them is 6e16.
        let at = (elapsed * MILLION as u128).div_ceil(self.rate as u128);
        SimTime(if at > u64::MAX as u128 { u64::MAX } else { at as u64 })
    }

    /// What the wall clock shows.
    #[must_use]
    pub const fn wall(&self, now: SimTime) -> Timestamp {
        Timestamp(WALL_BEGIN + self.elapsed(now).cast_signed() + self.step)
    }

    /// Somebody sets the wall clock by so many nanoseconds.
    pub const fn set(&mut self, by: i64) {
        self.step += by;
    }

    const fn elapsed(&self, now: SimTime) -> u64 {
        // A minute is 6e10 ns; times a million and a tenth is far below 2^64.
        now.0 * self.rate / MILLION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_reaches_a_moment_earlier_and_never_shows_less_than_it() {
        for drift in [-100_000, -1, 0, 1, 9_999, 100_000] {
            let clock = Clock::new(7_000, drift);
            for ns in [0, 1, 999, 1_500_000_000, 59_999_999_999] {
                let moment = Moment(7_000 + ns);
                let at = clock.when(moment);
                assert!(clock.boot(at) >= moment, "{drift} {ns}");
                assert!(at.0 == 0 || clock.boot(SimTime(at.0 - 1)) < moment, "{drift} {ns}");
            }
        }
        assert!(Clock::new(0, 100).when(Moment(1_000_000)) < Clock::new(0, -100).when(Moment(1_000_000)));
    }

    #[test]
    fn setting_the_wall_clock_leaves_the_boot_clock_alone() {
        let mut clock = Clock::new(0, 0);
        let (boot, wall) = (clock.boot(SimTime::ms(5)), clock.wall(SimTime::ms(5)));
        clock.set(-1_000);
        assert_eq!((clock.boot(SimTime::ms(5)), clock.wall(SimTime::ms(5)).0), (boot, wall.0 - 1_000));
    }
}
