//! The course of a ramp: which value stands when, and which steps are worth writing. Pure arithmetic; time is passed in.
//!
//! ```text
//!   value                       target
//!     ^                  .------------
//!     |             .---'   rate: units per second, never more, whatever was late
//!     |  ..........'  hold: time passes, the value does not
//!     | '
//!     +---------------------------------> time
//!       reading
//! ```
//!
//! It begins at a reading and at nothing else, so whoever goes on with a ramp of another owner asks the device where it stands, and not the
//! record of how far somebody had meant to be.
//!
//! Knows nothing of devices, commands and writes: whoever writes a step says that it was written.

use crate::Moment;
use labkeeper_model::site::{DeviceSpec, TagSpec};
use labkeeper_model::{Timestamp, Value};
use std::time::Duration;

/// Shortest and longest pause between two steps; between them, the device's poll interval, as a step that nobody reads is for nobody. Ten
/// steps a second are smoother than a thermostat can follow, and cost a bus a tenth of the hundred requests a second that it takes; at least
/// one a second keeps a device that is polled once a minute from being moved in jumps.
const PACE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// Most paces of progress that one look takes account of: one on time and one that was late. A process that stood still for a minute goes on
/// from where it was, and does not jump by a minute.
const PACES_MAX: u32 = 2;

/// What people want of a ramp, as the replicated state has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Go on to the target.
    #[default]
    Go,
    /// Stay, and keep the target.
    Hold,
    /// Stay, and have no target any more.
    Stop,
}

/// How a tag is approached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    /// Units per second, positive.
    pub rate_per_s: f64,
    /// The smallest step that the device's registers can tell, in the tag's unit; 0 where any is.
    pub resolution: f64,
    /// Pause between two steps.
    pub pace: Duration,
}

impl Manner {
    /// How a tag is approached: at the rate that was asked for, and never faster than the tag is declared to be; `None` in one step.
    #[must_use]
    pub fn of(device: &DeviceSpec, tag: &TagSpec, asked_per_s: Option<f64>) -> Option<Self> {
        let rate_per_s = tag.ramp_rate(asked_per_s)?;
        let resolution = if tag.value_type.is_integer() { tag.scale.abs() } else { 0.0 };
        Some(Self { rate_per_s, resolution, pace: device.poll.clamp(PACE.0, PACE.1) })
    }

    /// How long it takes from one value to another; the longest representable time where that is longer.
    #[must_use]
    pub fn duration(&self, from: f64, to: f64) -> Duration {
        Duration::try_from_secs_f64((to - from).abs() / self.rate_per_s).unwrap_or(Duration::MAX)
    }

    /// When a ramp that stands at `at` will be at its target.
    #[must_use]
    pub fn arrival(&self, at: f64, target: f64, now: Timestamp) -> Timestamp {
        now.saturating_add(self.duration(at, target))
    }
}

/// A ramp on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    manner: Manner,
    target: f64,
    /// Where it stands.
    at: f64,
    /// Up to when progress was taken account of.
    seen: Moment,
    /// What the device has.
    written: f64,
    is_held: bool,
}

impl Ramp {
    /// A ramp from a reading to a target.
    #[must_use]
    pub const fn new(reading: f64, target: f64, manner: Manner, now: Moment) -> Self {
        Self { manner, target, at: reading, seen: now, written: reading, is_held: false }
    }

    /// What the device has, as far as is known: the reading at first, then what was written last.
    #[must_use]
    pub const fn written(&self) -> f64 {
        self.written
    }

    /// How long it takes to the target from what the device has; `None` while it is held.
    #[must_use]
    pub fn time_to_target(&self) -> Option<Duration> {
        (!self.is_held).then(|| self.manner.duration(self.written, self.target))
    }

    /// Holds it, or lets it go on. The time in between does not count.
    pub fn hold(&mut self, is_held: bool, now: Moment) {
        self.advance(now);
        if is_held && !self.is_held {
            // What was not written was not reached.
            self.at = self.written;
        }
        self.is_held = is_held;
    }

    /// Takes account of the time that has passed, and says what to write if a step is due: `None` while there is none. The target itself is
    /// the last step.
    #[must_use]
    pub fn step(&mut self, now: Moment) -> Option<f64> {
        self.advance(now);
        let is_worth_it = (self.at - self.written).abs() >= self.manner.resolution;
        (!self.is_held && self.at != self.written && (is_worth_it || self.is_at_target(self.at))).then_some(self.at)
    }

    /// Takes that the last step was written, at this value of it.
    pub const fn handle_written(&mut self, value: f64) {
        self.written = value;
    }

    /// Where it stands, written or not.
    #[must_use]
    pub const fn at(&self) -> f64 {
        self.at
    }

    /// How long to wait before the next look.
    #[must_use]
    pub fn pause(&self, now: Moment) -> Duration {
        self.manner.pace.saturating_sub(now.saturating_since(self.seen))
    }

    /// Whether a value is the target.
    #[must_use]
    pub fn is_at_target(&self, value: f64) -> bool {
        value == self.target
    }

    fn advance(&mut self, now: Moment) {
        let elapsed = now.saturating_since(self.seen).min(self.manner.pace * PACES_MAX);
        self.seen = self.seen.max(now);
        if self.is_held {
            return;
        }
        let way = self.manner.rate_per_s * elapsed.as_secs_f64();
        let left = self.target - self.at;
        self.at = if left.abs() <= way { self.target } else { self.at + way.copysign(left) };
    }
}

/// A number as a value of the same kind as `like`: towards zero where that takes whole numbers.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate, and a step lies between two values of that kind"
)]
pub fn as_value(number: f64, like: &Value) -> Value {
    match like {
        Value::I64(_) => Value::I64(number as i64),
        Value::U64(_) => Value::U64(number as u64),
        _ => Value::F64(number),
    }
}

#[cfg(test)]
#[path = "ramp_tests.rs"]
mod tests;
