//! How an incarnation of a child ended, and how a supervisor gave up: plain data with texts for people.

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A panic, as it was caught.
#[derive(Debug)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// Where it was raised: `file:line:column`. `None` if it was resumed from elsewhere.
    pub location: Option<String>,
    /// How it got there. Names are looked up only when it is displayed, which takes milliseconds.
    pub backtrace: Option<Backtrace>,
}

/// Why an incarnation ended.
#[derive(Clone, Debug)]
pub enum Reason {
    /// It returned without having been asked to.
    Finished,
    /// It returned after it had been asked to.
    Stopped,
    /// It returned an error: its text, with its sources.
    Failed(Arc<str>),
    /// It panicked.
    Panicked(Arc<Panic>),
    /// It made no progress for this long, and was aborted.
    Hung(Duration),
    /// It was not ready after this long, and was aborted.
    NotReady(Duration),
    /// It did not end within its deadline after it had been asked to, and was aborted.
    Killed,
}

impl Reason {
    /// Whether a transient child is restarted after it.
    #[must_use]
    pub const fn is_abnormal(&self) -> bool {
        !matches!(self, Self::Finished | Self::Stopped)
    }

    /// Where it panicked, if it did and the place is known: `file:line:column`.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        match self {
            Self::Panicked(panic) => panic.location.as_deref(),
            _ => None,
        }
    }

    /// What an error says, with its sources.
    pub(crate) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        Self::Failed(text.into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Stopped => f.write_str("stopped"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(panic) => write!(f, "panicked: {}", panic.message),
            Self::Hung(silent) => write!(f, "hung: no progress for {silent:?}"),
            Self::NotReady(within) => write!(f, "not ready within {within:?}"),
            Self::Killed => f.write_str("killed: did not end in time"),
        }
    }
}

/// The end of one incarnation.
#[derive(Clone, Debug)]
pub struct Exit {
    /// When it ended, on the monotonic clock.
    pub at: Instant,
    /// Which incarnation, counted from one.
    pub generation: u64,
    /// Why.
    pub reason: Reason,
}

/// A supervisor gave up: a child that escalates failed more often than the intensity allows.
#[derive(Clone, Debug)]
pub struct GaveUp {
    /// The supervisor.
    pub path: String,
    /// The child that failed last.
    pub child: Arc<str>,
    /// How it failed.
    pub reason: Reason,
    /// How many restarts were asked for within the period: one more than allowed.
    pub restarts: usize,
    /// The time over which they were counted.
    pub period: Duration,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, child, reason, restarts, period } = self;
        write!(f, "{path} gave up: restart {restarts} within {period:?} was asked for by {child}, which {reason}")
    }
}

impl std::error::Error for GaveUp {}
