//! What a judgement may look at besides the reading itself: other tags, setpoints. Whoever runs detectors brings them.

use labkeeper_model::{Moment, TagPath, Timestamp, Value};
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

/// What a judgement may ask for, besides the inputs of expressions.
pub trait Inputs: labkeeper_expression::Inputs {
    /// The desired value of a tag, if it has one.
    fn setpoint(&self, tag: &TagPath) -> Option<Value>;
    /// What was last written to a tag, if that is known and nothing else is under way to it.
    fn written(&self, tag: &TagPath) -> Option<Written>;
}
