//! Report by exception: a reading that says nothing new goes no further, but never for long.
//!
//! A tag's deadband says how far a value must move to be worth reporting. An unchanged value is still passed on once
//! per [`REPORT_INTERVAL_MAX`], so that a watcher can tell "unchanged" from "gone".

use labkeeper_model::{Sample, Timestamp};
use std::time::Duration;

/// Longest silence about an unchanged value: half of the two seconds after which a value is shown as stale.
pub const REPORT_INTERVAL_MAX: Duration = Duration::from_secs(1);

/// What was last passed on of one tag.
#[derive(Debug, Default)]
pub struct Deadband {
    last: Option<Sample>,
}

impl Deadband {
    /// Whether `sample` should be passed on, given the tag's `deadband` in its own unit (0 passes every reading). Remembers
    /// it if so.
    pub fn passes(&mut self, sample: &Sample, deadband: f64) -> bool {
        let passes = self.last.as_ref().is_none_or(|last| is_news(last, sample, deadband));
        if passes {
            self.last = Some(sample.clone());
        }
        passes
    }
}

fn is_news(last: &Sample, sample: &Sample, deadband: f64) -> bool {
    let moved = match (&last.value, &sample.value) {
        (Some(a), Some(b)) => deadband <= 0.0 || !a.within(b, deadband),
        (a, b) => a.is_some() != b.is_some(),
    };
    moved || last.quality != sample.quality || is_due(last.time, sample.time)
}

fn is_due(last: Timestamp, now: Timestamp) -> bool {
    now.saturating_since(last) >= REPORT_INTERVAL_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{BadReason, Quality, Value};

    fn sample(ms: i64, value: f64) -> Sample {
        Sample { time: Timestamp::from_millis(ms), value: Some(Value::F64(value)), quality: Quality::Good }
    }

    #[test]
    fn small_moves_wait_for_the_interval() {
        let mut deadband = Deadband::default();
        assert!(deadband.passes(&sample(0, 20.0), 0.5));
        assert!(!deadband.passes(&sample(100, 20.4), 0.5));
        assert!(deadband.passes(&sample(200, 20.6), 0.5), "moved beyond the deadband");
        assert!(!deadband.passes(&sample(1100, 20.6), 0.5));
        assert!(deadband.passes(&sample(1200, 20.6), 0.5), "a second has passed");
    }

    #[test]
    fn a_slow_drift_is_measured_from_what_was_passed_on() {
        let mut deadband = Deadband::default();
        let passed = (0..10).filter(|i| deadband.passes(&sample(i * 10, 20.0 + 0.2 * *i as f64), 0.5)).count();
        assert_eq!(passed, 4, "20.0, 20.6, 21.2, 21.8");
    }

    #[test]
    fn a_change_of_quality_always_passes() {
        let mut deadband = Deadband::default();
        assert!(deadband.passes(&sample(0, 20.0), 5.0));
        let bad = Sample { quality: Quality::Bad(BadReason::Timeout), ..sample(10, 20.0) };
        assert!(deadband.passes(&bad, 5.0));
        assert!(!deadband.passes(&Sample { time: Timestamp::from_millis(20), ..bad }, 5.0));
    }

    #[test]
    fn without_a_deadband_every_reading_passes() {
        let mut deadband = Deadband::default();
        assert!((0..5).all(|i| deadband.passes(&sample(i, 20.0), 0.0)));
    }
}
