//! What happened, as lines of text with true time. Off, it costs nothing: a seed that fails is played again with it on.

use crate::clock::SimTime;
use std::fmt::Display;

/// The lines, if anybody wants them.
#[derive(Clone, Debug, Default)]
pub struct Trace(Option<Vec<String>>);

impl Trace {
    /// A trace that keeps its lines, or not.
    #[must_use]
    pub fn new(is_on: bool) -> Self {
        Self(is_on.then(Vec::new))
    }

    /// Notes something, if the trace is on.
    pub fn say<T: Display>(&mut self, now: SimTime, what: impl FnOnce() -> T) {
        if let Some(lines) = &mut self.0 {
            lines.push(format!("{now} {}", what()));
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }
}
