//! The tree as data: what a person, the command line or a page sees of each child.

use crate::exit::Exit;
use std::sync::Arc;
use std::time::Instant;

/// What a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It has children.
    Supervisor,
    /// It has none.
    Worker,
}

/// Where a child is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Down: it waits until those before it are ready.
    Waiting,
    /// Up, but not ready.
    Starting,
    /// Up and ready.
    Running,
    /// Down after a failure, and started again at this time.
    BackingOff {
        /// When it is started again.
        until: Instant,
    },
    /// Asked to end, or aborted, and not down yet. One that blocks its thread stays here until it gives the thread back.
    Stopping,
    /// Down, and not started again by itself: it has finished.
    Stopped,
    /// Down, until a person releases it.
    Quarantined {
        /// Why: its failures, or what the person said.
        reason: Arc<str>,
    },
}

impl State {
    /// A stable word for logs and JSON.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::BackingOff { .. } => "backing_off",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Quarantined { .. } => "quarantined",
        }
    }
}

/// How full a child's mailbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxStats {
    /// Messages that wait.
    pub depth: usize,
    /// Most messages that can wait.
    pub capacity: usize,
    /// Messages that were refused or dropped since the child started.
    pub dropped: u64,
}

/// One row of the tree. Times are on the monotonic clock.
#[derive(Clone, Debug)]
pub struct ChildStatus {
    /// Ids from the root, joined by `/`: `node/segments/cryo/bus`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Where it is in its life.
    pub state: State,
    /// Since when it is there.
    pub since: Instant,
    /// How often it was started again, by its supervisor or by a person, since it came into the tree.
    pub restarts: u64,
    /// Restarts within the period, in the count that a failure of it goes to: its own if it would be quarantined, else
    /// that of all escalating children of its supervisor. For the root, that of its own children.
    pub restarts_in_window: usize,
    /// Most restarts in that count.
    pub intensity: u32,
    /// How it last ended.
    pub last_exit: Option<Arc<Exit>>,
    /// How full its mailbox is, if it has registered one.
    pub mailbox: Option<MailboxStats>,
    /// Since when it has been in one step without giving its thread back; long means that it blocks the thread.
    pub busy_since: Option<Instant>,
    /// When this incarnation last reported progress.
    pub progress_at: Option<Instant>,
}
