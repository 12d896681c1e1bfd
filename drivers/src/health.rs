//! Whether something answers, and when to try again if it does not. One for each device, one for each connection.
//!
//! | in state | poll complete | poll complete, some refused | any answer | failed once or twice | failed three times in a row |
//! |---|---|---|---|---|---|
//! | connecting | online | degraded | connecting | connecting | offline |
//! | online | online | degraded | online | degraded | offline |
//! | degraded | online | degraded | degraded | degraded | offline |
//! | offline | online | degraded | degraded | (cannot be) | offline |
//!
//! A failure is the absence of a proper answer. A refusal is an answer: the device is there.
//!
//! It knows nothing of clocks or random numbers: both are passed in.

use std::time::{Duration, Instant};

/// After this many failures in a row a device counts as offline. With the default time-out of 1 s and back-offs of
/// at most 0.2 s and 0.4 s between, that is at most 3.6 s: one lost packet is not an outage, and a person sees a real one soon.
const OFFLINE_AFTER: u32 = 3;
/// First delay before trying again: a device that restarts its network stack is back within a fraction of a second.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// Longest delay. Six doublings from 0.2 s lead here, 12.6 s after the first failure; from then on a device that comes back is
/// seen within 10 s, and a dead one is asked 6 to 12 times a minute.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// What a person is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthState {
    /// Nothing has answered yet, and it is too early to call it offline.
    #[default]
    Connecting,
    /// Everything that was asked for was answered.
    Online,
    /// Some requests are refused, or the last one or two were not answered.
    Degraded,
    /// Several requests in a row were not answered.
    Offline,
}

impl HealthState {
    /// A stable word for logs and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
        }
    }
}

/// The health of one device or one connection.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: HealthState,
    failures: u32,
    retry_at: Option<Instant>,
}

impl Health {
    /// What a person is told.
    #[must_use]
    pub const fn state(&self) -> HealthState {
        self.state
    }

    /// Whether the last attempt failed.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When to try again; `None` if the last attempt was answered.
    #[must_use]
    pub const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Something answered: a single request, or one of several.
    pub const fn answered(&mut self) {
        self.failures = 0;
        self.retry_at = None;
        if matches!(self.state, HealthState::Offline) {
            self.state = HealthState::Degraded;
        }
    }

    /// All requests of a poll were answered; `refused` if some with a refusal.
    pub const fn completed(&mut self, refused: bool) {
        self.answered();
        self.state = if refused { HealthState::Degraded } else { HealthState::Online };
    }

    /// No proper answer. `jitter` is a random number from 0 to 1. Returns when to try again.
    pub fn failed(&mut self, now: Instant, jitter: f64) -> Instant {
        self.failures = self.failures.saturating_add(1);
        self.state = match self.state {
            _ if self.failures >= OFFLINE_AFTER => HealthState::Offline,
            HealthState::Online => HealthState::Degraded,
            other => other,
        };
        let retry_at = now + backoff(self.failures, jitter);
        self.retry_at = Some(retry_at);
        retry_at
    }
}

/// How long to wait after so many failures in a row: doubling from 0.2 s to 10 s, and of that a random part between
/// the half and the whole, so that what failed together does not come back together.
#[must_use]
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = BACKOFF_MIN.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_offline_after_three_failures_and_comes_back_with_a_complete_poll() {
        let now = Instant::now();
        let mut health = Health::default();
        assert_eq!(health.state(), HealthState::Connecting);
        health.completed(false);
        assert_eq!(health.state(), HealthState::Online);
        health.failed(now, 1.0);
        health.failed(now, 1.0);
        assert_eq!(health.state(), HealthState::Degraded);
        health.failed(now, 1.0);
        assert_eq!(health.state(), HealthState::Offline);
        health.answered();
        assert_eq!(health.state(), HealthState::Degraded, "one answer is not yet a complete poll");
        assert_eq!(health.retry_at(), None);
        health.completed(false);
        assert_eq!(health.state(), HealthState::Online);
    }

    #[test]
    fn what_never_answered_is_connecting_and_then_offline() {
        let now = Instant::now();
        let mut health = Health::default();
        health.failed(now, 0.0);
        health.failed(now, 0.0);
        assert_eq!(health.state(), HealthState::Connecting);
        health.failed(now, 0.0);
        assert_eq!(health.state(), HealthState::Offline);
    }

    #[test]
    fn a_refusal_degrades_and_is_no_failure() {
        let mut health = Health::default();
        health.completed(true);
        assert_eq!((health.state(), health.is_failing()), (HealthState::Degraded, false));
    }

    #[test]
    fn the_delay_doubles_up_to_a_bound_and_jitter_takes_at_most_half() {
        assert_eq!(backoff(1, 1.0), BACKOFF_MIN);
        assert_eq!(backoff(2, 1.0), BACKOFF_MIN * 2);
        for failures in [7, 8, 100, u32::MAX] {
            assert_eq!(backoff(failures, 1.0), BACKOFF_MAX);
        }
        for failures in 0..20 {
            assert_eq!(backoff(failures, 0.0), backoff(failures, 1.0) / 2);
            assert!(backoff(failures, 0.3) > backoff(failures, 0.0) && backoff(failures, 0.3) < backoff(failures, 1.0));
        }
    }

    #[test]
    fn one_answer_starts_the_delays_from_the_beginning() {
        let now = Instant::now();
        let mut health = Health::default();
        for _ in 0..10 {
            health.failed(now, 1.0);
        }
        health.answered();
        assert_eq!(health.failed(now, 1.0), now + BACKOFF_MIN);
    }
}
