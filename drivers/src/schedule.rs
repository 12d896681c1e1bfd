//! When a device is to be polled: due, late, skipped.
//!
//! Ticks lie on a grid of one period. A poll that begins after several ticks serves the newest of them; the others are
//! skipped and counted, never queued, because a value read twice in a row is worth no more than once and a queue of polls
//! would delay every later one.
//!
//! ```text
//!   tick 0     tick 1     tick 2     tick 3
//!     |          |          |          |
//!    due                    |         due next
//!                           |<->| late; a poll begins here: ticks 0 and 1 are skipped, tick 2 is served
//! ```
//!
//! It knows nothing of devices or clocks: the time is passed in.

use std::time::{Duration, Instant};

/// Shortest period that is honoured; the site's check demands more. It keeps the grid's arithmetic from dividing by zero.
const PERIOD_MIN: Duration = Duration::from_millis(1);

/// What beginning a poll found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// How long after its tick the poll began; less than a period.
    pub late: Duration,
    /// How many earlier ticks nothing was done for.
    pub skipped: u64,
}

/// The grid of one device.
#[derive(Clone, Debug)]
pub struct Schedule {
    period: Duration,
    due: Instant,
}

impl Schedule {
    /// A grid that begins at `first`.
    #[must_use]
    pub fn new(period: Duration, first: Instant) -> Self {
        Self { period: period.max(PERIOD_MIN), due: first }
    }

    /// The oldest tick that nothing was done for yet.
    #[must_use]
    pub const fn due(&self) -> Instant {
        self.due
    }

    /// Begins a poll, if one is due: the next is due at the first tick after `now`.
    pub fn begin(&mut self, now: Instant) -> Option<Tick> {
        let overdue = now.checked_duration_since(self.due)?;
        let period_ns = self.period.as_nanos();
        let late = Duration::from_nanos(u64::try_from(overdue.as_nanos() % period_ns).unwrap_or(u64::MAX));
        let skipped = u64::try_from(overdue.as_nanos() / period_ns).unwrap_or(u64::MAX);
        self.due = now - late + self.period;
        Some(Tick { late, skipped })
    }

    /// Whether a poll that began so late is worth counting: by more than a tenth of the period, so that a trend's points
    /// are visibly uneven.
    #[must_use]
    pub fn is_late(&self, tick: Tick) -> bool {
        tick.late > self.period / 10
    }

    /// The time between two ticks.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// From the next tick on, ticks lie so far apart.
    pub fn set_period(&mut self, period: Duration) {
        self.period = period.max(PERIOD_MIN);
    }

    /// Nobody is to poll before `until`: the grid begins there anew, and what lies between is not counted as skipped.
    pub const fn hold_until(&mut self, until: Instant) {
        self.due = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_poll_in_time_is_neither_late_nor_skips() {
        let start = Instant::now();
        let mut schedule = Schedule::new(ms(100), start);
        assert_eq!(schedule.begin(start), Some(Tick { late: ms(0), skipped: 0 }));
        assert_eq!(schedule.begin(start + ms(99)), None);
        let tick = schedule.begin(start + ms(103)).unwrap();
        assert_eq!(tick, Tick { late: ms(3), skipped: 0 });
        assert!(!schedule.is_late(tick));
        assert_eq!(schedule.due(), start + ms(200), "lateness does not move the grid");
    }

    #[test]
    fn missed_ticks_are_skipped_and_counted_never_queued() {
        let start = Instant::now();
        let mut schedule = Schedule::new(ms(100), start);
        let tick = schedule.begin(start + ms(250)).unwrap();
        assert_eq!(tick, Tick { late: ms(50), skipped: 2 });
        assert!(schedule.is_late(tick));
        assert_eq!(schedule.begin(start + ms(260)), None, "the skipped ticks are gone");
        assert_eq!(schedule.due(), start + ms(300));
    }

    #[test]
    fn begun_and_skipped_add_up_to_the_ticks_of_the_grid() {
        let start = Instant::now();
        let mut schedule = Schedule::new(ms(10), start);
        let (mut begun, mut skipped) = (0, 0);
        for at in (0..10_000).step_by(7).chain((10_000..50_000).step_by(43)) {
            if let Some(tick) = schedule.begin(start + ms(at)) {
                begun += 1;
                skipped += tick.skipped;
            }
        }
        let grid = (schedule.due() - start).as_millis() / 10;
        assert_eq!(u128::from(begun + skipped), grid);
    }

    #[test]
    fn what_is_held_is_not_counted_as_skipped() {
        let start = Instant::now();
        let mut schedule = Schedule::new(ms(100), start);
        schedule.hold_until(start + ms(1_000));
        assert_eq!(schedule.begin(start + ms(999)), None);
        assert_eq!(schedule.begin(start + ms(1_001)), Some(Tick { late: ms(1), skipped: 0 }));
    }

    #[test]
    fn another_period_begins_at_the_tick_that_is_due() {
        let start = Instant::now();
        let mut schedule = Schedule::new(ms(100), start);
        schedule.begin(start).unwrap();
        schedule.set_period(ms(250));
        assert_eq!(schedule.due(), start + ms(100));
        assert_eq!(schedule.begin(start + ms(100)), Some(Tick { late: ms(0), skipped: 0 }));
        assert_eq!(schedule.due(), start + ms(350));
    }

    #[test]
    fn a_long_sleep_does_not_overflow() {
        let start = Instant::now();
        let mut schedule = Schedule::new(Duration::ZERO, start);
        let tick = schedule.begin(start + Duration::from_secs(86_400 * 365)).unwrap();
        assert_eq!(tick.skipped, 86_400 * 365 * 1_000);
    }
}
