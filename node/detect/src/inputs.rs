//! What a judgement may look at besides the reading itself: other tags, setpoints, conditions. Whoever runs detectors brings them.

use labkeeper_model::{Moment, Sample, TagPath, Timestamp, Value};
use std::time::Duration;

/// One instant on two clocks: people read the time, and durations are measured by the moment, which no one sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// UTC.
    pub time: Timestamp,
    /// The node's boot clock.
    pub moment: Moment,
}

/// What was last written to a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The value, in the tag's unit.
    pub value: Value,
    /// How long ago.
    pub age: Duration,
}

/// Whether an expression holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// It cannot be told, and why.
    Unknown(String),
}

/// What a judgement may ask for.
pub trait Inputs {
    /// The latest sample of a tag, with the quality that it is worth at present; `None` if nobody has read it.
    fn sample(&self, tag: &TagPath) -> Option<Sample>;
    /// The desired value of a tag, if it has one.
    fn setpoint(&self, tag: &TagPath) -> Option<Value>;
    /// What was last written to a tag, if that is known and nothing else is under way to it.
    fn written(&self, tag: &TagPath) -> Option<Written>;
}

/// An expression that was read and checked. It is evaluated at every reading of its tags and as time passes, so it is bounded in cost.
pub trait Condition: Send + Sync {
    /// Whether it holds.
    fn truth(&self, inputs: &dyn Inputs) -> Truth;
    /// The tags that it looks at.
    fn tags(&self) -> Vec<TagPath>;
}
