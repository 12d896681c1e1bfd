//! How many restarts are too many: the restarts within a sliding period, and nothing else.
//!
//! One restart is chance, many in a short time are a fault that restarting does not cure. The picture is a fuse: single
//! peaks pass, sustained ones break it.
//!
//! It knows nothing of clocks (the time is passed in), nor of what follows when the limit is passed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The restarts that still count.
///
/// Whoever counts gives up, and [clears](Self::clear) or drops the window, once its limit is passed. So it holds at most
/// the limit and one: 11 times of 16 bytes for 10 restarts a minute.
#[derive(Clone, Debug, Default)]
pub struct RestartWindow {
    times: VecDeque<Instant>,
}

impl RestartWindow {
    /// Notes a restart, and returns how many there have been within `period`, this one included. One that is exactly
    /// `period` old still counts, as in OTP.
    pub fn record(&mut self, now: Instant, period: Duration) -> usize {
        while self.times.front().is_some_and(|at| now.saturating_duration_since(*at) > period) {
            self.times.pop_front();
        }
        self.times.push_back(now);
        self.times.len()
    }

    /// How many restarts there have been within `period`.
    #[must_use]
    pub fn count(&self, now: Instant, period: Duration) -> usize {
        self.times.iter().filter(|at| now.saturating_duration_since(**at) <= period).count()
    }

    /// Forgets all restarts: a person has looked at it.
    pub fn clear(&mut self) {
        self.times.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_restart_counts_until_it_is_older_than_the_period() {
        let start = Instant::now();
        let mut window = RestartWindow::default();
        assert_eq!(window.record(start, 5 * SECOND), 1);
        assert_eq!(window.record(start + SECOND, 5 * SECOND), 2);
        assert_eq!(window.record(start + 5 * SECOND, 5 * SECOND), 3, "exactly a period old still counts");
        assert_eq!(window.record(start + 5 * SECOND + Duration::from_nanos(1), 5 * SECOND), 3, "the first is too old");
        assert_eq!(window.count(start + 60 * SECOND, 5 * SECOND), 0, "the count falls without a restart too");
        window.clear();
        assert_eq!(window.count(start + 5 * SECOND, 5 * SECOND), 0);
    }

    proptest! {
        #[test]
        fn the_count_is_that_of_a_plain_list(gaps_ms in prop::collection::vec(0_u64..400, 1..60), period_ms in 1_u64..2_000) {
            let period = Duration::from_millis(period_ms);
            let (mut now, mut window, mut all) = (Instant::now(), RestartWindow::default(), Vec::new());
            for gap_ms in gaps_ms {
                now += Duration::from_millis(gap_ms);
                all.push(now);
                let counted = window.record(now, period);
                prop_assert_eq!(counted, all.iter().filter(|at| now - **at <= period).count());
                prop_assert_eq!(counted, window.count(now, period));
            }
        }
    }
}
