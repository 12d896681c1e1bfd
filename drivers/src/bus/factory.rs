//! Starts, and starts again: makes a task for the same bus each time a supervisor asks for one.
//!
//! ```text
//!   factory ── task ──► BusTask ── run ──► ends: told to, panicked, aborted for hanging
//!      ▲                                     │ its driver and connection are dropped, waiting commands are answered `Stopped`
//!      └──────────── supervisor ◄────────────┘
//! ```
//!
//! What a task leaves to its successor: counters, milestones, last values, the journal and the handles. What it does not: the driver,
//! the connection, the health of devices and whatever made it fail.

use super::handle::Shared;
use super::options::Progress;
use super::task::Task;
use crate::driver::Driver;
use crate::link::CONNECT_TIMEOUT;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A bus reports progress at least so often while it has nothing to do.
pub(super) const PROGRESS_EVERY: Duration = Duration::from_secs(1);

type Drive = dyn Fn(Arc<Shared>, u64, Progress) -> BoxFuture<'static, ()> + Send + Sync;

/// Makes the tasks of one bus. Cheap to clone.
#[derive(Clone)]
pub struct BusFactory {
    shared: Arc<Shared>,
    drive: Arc<Drive>,
}

/// One run of a bus. Dropping it, or the future of [`BusTask::run`], closes the connection and fails what is waiting.
pub struct BusTask {
    drive: BoxFuture<'static, ()>,
    _open: Open,
}

/// The lanes are open for a task as long as this lives.
struct Open {
    shared: Arc<Shared>,
    task: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.lanes.close(self.task);
    }
}

impl BusFactory {
    pub(super) fn new<D: Driver + 'static>(driver: impl Fn() -> D + Send + Sync + 'static, shared: Arc<Shared>) -> Self {
        let drive =
            move |shared, task, progress| -> BoxFuture<'static, ()> { Box::pin(Task::new(driver(), shared, task, progress).drive()) };
        Self { shared, drive: Arc::new(drive) }
    }

    /// A task for the bus. Commands are taken in from here on; an earlier task, if it still runs, ends before its next command.
    /// `progress` is called at each turn; see [`Self::longest_turn`].
    #[must_use]
    pub fn task(&self, progress: Progress) -> BusTask {
        let task = self.shared.lanes.open();
        let _open = Open { shared: Arc::clone(&self.shared), task };
        BusTask { drive: (self.drive)(Arc::clone(&self.shared), task, progress), _open }
    }

    /// The longest time between two reports of progress of a bus that is well: a command that finds the connection down connects, claims
    /// (and reads why, if that is refused) and is carried out. A supervisor that waits for less takes a slow device for a hung bus.
    #[must_use]
    pub fn longest_turn(&self) -> Duration {
        let timeout = self.shared.spec.devices.values().map(|device| device.timeout).max().unwrap_or_default();
        CONNECT_TIMEOUT + timeout * 3 + PROGRESS_EVERY
    }
}

impl BusTask {
    /// Polls and serves commands until `cancel`; then closes the connection at once and fails what is waiting. A write that
    /// is on the wire at that moment ends as [`crate::WriteError::MayHaveReached`].
    pub async fn run(self, cancel: CancellationToken) {
        let Self { drive, _open } = self;
        // Dropping the future is the stop: it drops the socket, and with each command's reply the caller's wait.
        cancel.run_until_cancelled_owned(drive).await;
    }
}
