//! What is wrong with an expression, where, and what to do about it.

use std::fmt;

/// Why a text is not an expression that can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where, in bytes from the start of the text.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Flaw {
    pub(crate) fn new(at: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}; {}", self.at, self.what, self.remedy)
    }
}

impl std::error::Error for Flaw {}
