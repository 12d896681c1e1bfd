//! How long to wait before a child is started again: doubling from a first pause to a longest one.
//!
//! Chance is passed in as a number from 0 to 1, and the time that a child was up as a duration: it knows no clock.

use std::time::Duration;

/// Pauses before restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Pause before the first restart in a row.
    pub min: Duration,
    /// Longest pause.
    pub max: Duration,
    /// A child that was up at least this long begins anew with `min` when it fails.
    pub stable: Duration,
}

impl Backoff {
    /// The pause before the restart after so many failures in a row, counted from one. Of the whole pause a random part
    /// between the half and all, by `jitter` from 0 to 1, so that what failed together does not come back together.
    #[must_use]
    pub fn pause(&self, failures: u32, jitter: f64) -> Duration {
        // 2^31 times the least sensible pause of 1 us is 36 minutes: beyond every useful `max`.
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.min.saturating_mul(1 << doublings).min(self.max);
        whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }

    /// After how many failures in a row the pause is the longest.
    #[must_use]
    pub fn failures_until_max(&self) -> u32 {
        (1..=32).find(|failures| self.min.saturating_mul(1 << (failures - 1)) >= self.max).unwrap_or(32)
    }

    /// How often a child that fails as soon as it starts fails within `period`, at most `most` times. `jitter` 0 gives the
    /// most failures that can be, 1 the fewest.
    #[must_use]
    pub fn failures_within(&self, period: Duration, jitter: f64, most: u32) -> u32 {
        let (mut at, mut failures) = (Duration::ZERO, 0);
        while at <= period && failures < most {
            failures += 1;
            at += self.pause(failures, jitter);
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { min: Duration::from_millis(100), max: Duration::from_secs(30), stable: Duration::from_secs(60) };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let whole: Vec<_> = (1..=11).map(|failures| BACKOFF.pause(failures, 1.0).as_secs_f64()).collect();
        assert_eq!(whole, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]);
        assert_eq!(BACKOFF.pause(u32::MAX, 1.0), BACKOFF.max);
        assert_eq!(BACKOFF.failures_until_max(), 10);
    }

    #[test]
    fn chance_takes_up_to_half_of_a_pause() {
        assert_eq!(BACKOFF.pause(1, 0.0), Duration::from_millis(50));
        assert_eq!(BACKOFF.pause(1, 0.5), Duration::from_millis(75));
        assert_eq!(BACKOFF.pause(1, 7.0), Duration::from_millis(100), "a jitter out of range is held to it");
    }

    #[test]
    fn failures_within_a_period_are_counted_as_they_happen() {
        // At 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7, 25.5 and 51.1 s; the next would be at 81.1 s.
        assert_eq!(BACKOFF.failures_within(Duration::from_secs(60), 1.0, 100), 10);
        // Halved pauses: at 25.55 s the tenth, and the eleventh at 40.55 s, the twelfth at 55.55 s.
        assert_eq!(BACKOFF.failures_within(Duration::from_secs(60), 0.0, 100), 12);
        assert_eq!(BACKOFF.failures_within(Duration::from_secs(60), 1.0, 3), 3);
    }
}
