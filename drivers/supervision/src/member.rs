//! One child of a [`Group`](crate::group::Group): where it is in its life, and what follows when it goes down.
//!
//! ```text
//!            its turn          ready
//!   Queued ──────────► Starting ───► Running
//!     ▲                    │            │ ended by itself, aborted for a failure: the policy decides
//!     │                    └─────┬──────┘
//!     ├── BackingOff ◄───────────┼──────► Done, or gone
//!     └── Quarantined ◄──────────┤
//!            (released)          │ told to end: `then` says what follows
//!                                ▼
//!                            Stopping ──ended──► Queued | Quarantined | gone
//! ```
//!
//! Pure: time and chance are passed in.

use crate::exit::Reason;
use crate::intensity::RestartWindow;
use crate::spec::{ChildSpec, Restart, SupervisorSpec};
use crate::status::State;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a child is in its life. Starting, running and stopping ones have a task.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// Down, to be started when it is its turn.
    Queued,
    /// Up, not ready.
    Starting,
    /// Up, ready.
    Running,
    /// On its way down; because of a failure that was seen from outside, or because it was told to.
    Stopping { failure: Option<Reason>, aborted: bool },
    /// Down after a failure, started again then.
    BackingOff(Instant),
    /// Down until a person releases it.
    Quarantined(Arc<str>),
    /// Down, and not wanted up.
    Done,
}

impl Phase {
    /// Whether it has a task.
    pub(crate) const fn is_alive(&self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping { .. })
    }

    /// What people are told.
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Queued => State::Waiting,
            Self::Starting => State::Starting,
            Self::Running => State::Running,
            Self::Stopping { .. } => State::Stopping,
            Self::BackingOff(until) => State::BackingOff { until: *until },
            Self::Quarantined(reason) => State::Quarantined { reason: Arc::clone(reason) },
            Self::Done => State::Stopped,
        }
    }
}

/// What follows when a child has gone down that was told to.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// It is started again.
    Start,
    /// It is quarantined for a reason.
    Hold(Arc<str>),
    /// It stays down, in the tree.
    Rest,
    /// It leaves the tree.
    Forget,
}

/// A child's specification, without a copy of what its supervisor's has.
#[derive(Clone, Debug)]
pub(crate) enum SharedSpec {
    /// That of a child from the beginning, by its index.
    Listed(Arc<SupervisorSpec>, usize),
    /// Of a child that came later.
    Own(Arc<ChildSpec>),
}

impl Deref for SharedSpec {
    type Target = ChildSpec;

    fn deref(&self) -> &ChildSpec {
        match self {
            Self::Listed(spec, index) => &spec.children[*index],
            Self::Own(spec) => spec,
        }
    }
}

/// One child.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) spec: SharedSpec,
    /// How often it was started.
    pub(crate) generation: u64,
    pub(crate) phase: Phase,
    /// What follows when it goes down, if somebody has decided that before it does.
    pub(crate) then: Option<Then>,
    /// When its timer runs out; what that means is the phase's.
    pub(crate) due: Option<Instant>,
    /// Its own restarts, if it would be quarantined.
    pub(crate) window: RestartWindow,
    started: Instant,
    /// Failures in a row, for the back-off.
    failures: u32,
}

impl Member {
    pub(crate) fn new(spec: SharedSpec, now: Instant) -> Self {
        let window = RestartWindow::default();
        Self { spec, generation: 0, phase: Phase::Queued, then: None, due: None, window, started: now, failures: 0 }
    }

    /// It is started.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.generation += 1;
        self.started = now;
    }

    /// It has failed: how long to wait before it is started again.
    pub(crate) fn failed(&mut self, now: Instant, jitter: f64) -> Duration {
        let Some(backoff) = self.spec.backoff else { return Duration::ZERO };
        if now.saturating_duration_since(self.started) >= backoff.stable {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        backoff.pause(self.failures, jitter)
    }

    /// A person has looked at it: its failures are forgiven.
    pub(crate) fn forgive(&mut self) {
        self.window.clear();
        self.failures = 0;
    }

    /// What follows when it goes down together with those it depends on.
    pub(crate) fn with_the_others(&self) -> Then {
        if self.spec.restart == Restart::Temporary { Then::Forget } else { Then::Start }
    }
}
