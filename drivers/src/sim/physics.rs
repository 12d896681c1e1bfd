//! Small pieces that several models are made of. Pure functions of time steps.

/// Longest step of an integration, in seconds. The fastest thing in any model is a second-scale lag, so a twentieth of a
/// second keeps the error of a step near a thousandth.
const STEP_S_MAX: f64 = 0.05;
/// Longest time that one call advances, in seconds: after a laptop's sleep the plant goes on, it does not catch up. At
/// 0.05 s a step that is 1,200 steps.
const CALL_S_MAX: f64 = 60.0;

/// Cuts `dt` seconds into equal steps short enough to integrate.
pub(super) fn steps(dt: f64) -> impl Iterator<Item = f64> {
    let dt = dt.clamp(0.0, CALL_S_MAX);
    let count = (dt / STEP_S_MAX).ceil().max(1.0);
    std::iter::repeat_n(dt / count, count as usize)
}

/// A first-order lag: where `current` is after `dt` seconds on its way to `target` with time constant `tau` seconds. Exact for any
/// `dt`, so it can neither overshoot nor oscillate.
pub(super) fn approach(current: f64, target: f64, dt: f64, tau: f64) -> f64 {
    target + (current - target) * (-dt / tau).exp()
}

/// A proportional-integral controller whose integral stops at the ends of its output.
#[derive(Clone, Debug)]
pub(super) struct Pi {
    /// Output per unit of error.
    pub(super) gain: f64,
    /// Output per unit of error and second.
    pub(super) integral_gain: f64,
    /// Smallest and largest output.
    pub(super) range: (f64, f64),
    integral: f64,
}

impl Pi {
    pub(super) const fn new(gain: f64, integral_gain: f64, range: (f64, f64)) -> Self {
        Self { gain, integral_gain, range, integral: 0.0 }
    }

    /// The output for an error that lasts `dt` seconds.
    pub(super) fn step(&mut self, error: f64, dt: f64) -> f64 {
        let (low, high) = self.range;
        let proportional = self.gain * error;
        let integral = self.integral + self.integral_gain * error * dt;
        let wanted = proportional + integral;
        // At an end of the range the integral may only move back from it.
        if (low..=high).contains(&wanted) || (wanted > high && error < 0.0) || (wanted < low && error > 0.0) {
            self.integral = integral;
        }
        wanted.clamp(low, high)
    }

    pub(super) const fn reset(&mut self) {
        self.integral = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_short_and_add_up() {
        for dt in [0.0, 0.01, 0.05, 0.123, 7.0] {
            let all: Vec<f64> = steps(dt).collect();
            assert!((all.iter().sum::<f64>() - dt).abs() < 1e-9);
            assert!(all.iter().all(|step| *step <= STEP_S_MAX + 1e-12));
        }
        assert!(steps(1e9).count() <= 1_200);
    }

    #[test]
    fn a_lag_covers_63_percent_in_one_time_constant() {
        assert!((approach(0.0, 1.0, 5.0, 5.0) - 0.632).abs() < 0.001);
        assert_eq!(approach(0.0, 1.0, 1e9, 5.0), 1.0);
    }

    #[test]
    fn a_saturated_controller_does_not_wind_up() {
        let mut pi = Pi::new(0.1, 1.0, (0.0, 1.0));
        for _ in 0..10_000 {
            assert_eq!(pi.step(100.0, 0.05), 1.0);
        }
        let back = (0..100).take_while(|_| pi.step(-1.0, 0.05) > 0.0).count();
        assert!(back <= 25, "it took {back} steps to leave the end");
    }
}
