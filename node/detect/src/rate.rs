//! How fast a value changes: the mean over a window, so that the noise of one reading is no rate.
//!
//! ```text
//!   kept readings   o   o   o   o   o   o   reading
//!                   |<---- at least `over` --->|
//!                   reference
//! ```
//!
//! The reference is the youngest reading that is at least `over` old. Before there is one, nothing is judged.

use crate::trigger::Trigger;
use crate::word::{Level, SEVERITY_INNER};
use labkeeper_model::Moment;
use std::collections::VecDeque;
use std::time::Duration;

/// Most readings kept for one window: the reference is at most 1/32 of the window, 3 %, older than it need be. With the reference itself
/// and rounding 34 are kept: of 16 bytes each, 5 MB for 10,000 alarms.
const POINTS: u32 = 32;

/// The rate of one value.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    over: Duration,
    trigger: Trigger,
    kept: VecDeque<(Moment, f64)>,
}

impl Rate {
    /// A window that has seen nothing. `deadband` is in units per second.
    pub(crate) const fn new(per_s: f64, over: Duration, deadband: f64, recorded: Level) -> Self {
        Self { over, trigger: Trigger::above(per_s, deadband).set(recorded.is_active()), kept: VecDeque::new() }
    }

    /// Takes a value; `None` while the window is not full.
    pub(crate) fn feed(&mut self, value: f64, now: Moment) -> Option<Level> {
        while self.kept.get(1).is_some_and(|(at, _)| now.saturating_since(*at) >= self.over) {
            self.kept.pop_front();
        }
        let reference = self.kept.front().copied().filter(|(at, _)| now.saturating_since(*at) >= self.over);
        if self.kept.back().is_none_or(|(at, _)| now.saturating_since(*at) >= self.over / POINTS) {
            self.kept.push_back((now, value));
        }
        let (at, was) = reference.filter(|(at, _)| *at < now)?;
        let per_s = (value - was).abs() / now.saturating_since(at).as_secs_f64();
        Some(if self.trigger.feed(per_s) { Level::Active(SEVERITY_INNER) } else { Level::Clear })
    }

    /// Nothing usable came for a while: a change across the gap is no rate.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: Option<Level> = Some(Level::Active(SEVERITY_INNER));
    const CLEAR: Option<Level> = Some(Level::Clear);

    fn at(ms: u64) -> Moment {
        Moment(ms * 1_000_000)
    }

    #[test]
    fn it_is_the_mean_over_the_window() {
        let mut rate = Rate::new(1.0, Duration::from_secs(10), 0.0, Level::Clear);
        let found: Vec<_> = (0..=10).map(|s| rate.feed(20.0, at(s * 1000))).collect();
        assert!(found[..10].iter().all(Option::is_none), "the window is not full");
        assert_eq!(found[10], CLEAR);
        assert_eq!(rate.feed(29.0, at(11_000)), CLEAR, "9 in 10 s");
        assert_eq!(rate.feed(31.0, at(12_000)), ACTIVE, "11 in 10 s");
        assert_eq!(rate.feed(9.0, at(13_000)), ACTIVE, "downwards");
    }

    #[test]
    fn its_deadband_is_in_units_per_second() {
        let mut rate = Rate::new(1.0, Duration::from_secs(1), 0.5, Level::Clear);
        let values = [0.0, 2.0, 2.8, 3.2];
        let found: Vec<_> = (0..).zip(values).map(|(s, value)| rate.feed(value, at(s * 1000))).collect();
        assert_eq!(found, [None, ACTIVE, ACTIVE, CLEAR]);
    }

    #[test]
    fn slow_readings_are_measured_from_one_to_the_next() {
        let mut rate = Rate::new(1.0, Duration::from_secs(1), 0.0, Level::Clear);
        assert_eq!(rate.feed(0.0, at(0)), None);
        assert_eq!(rate.feed(20.0, at(10_000)), ACTIVE);
        assert_eq!(rate.feed(25.0, at(20_000)), CLEAR);
    }

    #[test]
    fn memory_is_bounded_however_fast_it_is_read() {
        let mut rate = Rate::new(1.0, Duration::from_secs(60), 0.0, Level::Clear);
        for ms in 0..200_000 {
            rate.feed(0.0, at(ms));
            assert!(rate.kept.len() <= POINTS as usize + 2, "{} at {ms} ms", rate.kept.len());
        }
        assert_eq!(rate.feed(0.0, at(200_000)), CLEAR);
    }

    #[test]
    fn a_gap_is_no_rate() {
        let mut rate = Rate::new(1.0, Duration::from_secs(1), 0.0, Level::Clear);
        rate.feed(0.0, at(0));
        rate.forget();
        assert_eq!(rate.feed(100.0, at(5_000)), None);
    }
}
