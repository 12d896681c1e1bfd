//! What others hold of a bus: they queue commands and look at counters; the task does the rest.
//!
//! A command that cannot be queued is refused at once. One whose caller has stopped waiting is not carried out.

use super::board::Board;
use super::stats::{BusStats, DeviceStats};
use super::task::Task;
use super::{BusSpec, Sink};
use crate::cells::Cells;
use crate::clock::Clock;
use crate::driver::{Driver, DriverError, Obstacle, WriteError};
use crate::modbus::{ModbusTcp, register};
use futures::future::BoxFuture;
use labkeeper_model::site::{DriverKind, Register, TagSpec};
use labkeeper_model::{Name, Sample, Timestamp, Value};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Most writes, and most single reads, that wait on one bus. A device that answers in 10 ms works off 32 in 0.3 s, less than a
/// person notices; behind more than that a command is better refused at once than carried out late.
pub const QUEUE_LEN: usize = 32;

/// Asked right before a frame is sent; its refusal is the caller's words.
pub(super) type Guard = Box<dyn FnOnce() -> Result<(), String> + Send>;

/// A write in the queue.
pub(super) struct WriteJob {
    pub(super) unit: usize,
    pub(super) first: Register,
    pub(super) cells: Cells,
    pub(super) guard: Guard,
    /// Set before the frame is handed over, so that the caller knows even if the task ends before it can say.
    pub(super) sent: Arc<AtomicBool>,
    pub(super) reply: oneshot::Sender<Result<Written, WriteError>>,
}

/// A single read in the queue.
pub(super) struct ReadJob {
    pub(super) unit: usize,
    pub(super) tag: Name,
    pub(super) reply: oneshot::Sender<Result<Sample, DriverError>>,
}

/// A write that the device confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// When the confirmation arrived.
    pub at: Timestamp,
}

/// A bus, for those who use it. Cheap to clone; the bus goes on without handles.
#[derive(Clone)]
pub struct BusHandle {
    spec: Arc<BusSpec>,
    writes: mpsc::Sender<WriteJob>,
    reads: mpsc::Sender<ReadJob>,
    stats: Arc<Mutex<BusStats>>,
}

/// The bus itself: runs until it is told to stop. Dropping it, or the future of [`BusTask::run`], closes the connection.
pub struct BusTask {
    drive: BoxFuture<'static, ()>,
}

impl BusTask {
    /// Polls and serves commands until `cancel`; then closes the connection at once and fails what is waiting. A write that
    /// is on the wire at that moment ends as [`WriteError::MayHaveReached`].
    pub async fn run(self, cancel: CancellationToken) {
        // Dropping the future is the stop: it drops the socket, and with each command's reply the caller's wait.
        cancel.run_until_cancelled_owned(self.drive).await;
    }
}

impl BusHandle {
    /// Makes a bus with the driver that its devices name. Nothing happens before the task runs.
    #[must_use]
    pub fn open(spec: BusSpec, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> (Self, BusTask) {
        match spec.driver {
            DriverKind::ModbusTcp => Self::open_with(ModbusTcp::new(spec.address.clone()), spec, sink, clock),
        }
    }

    /// Makes a bus with the given driver.
    #[must_use]
    pub fn open_with(driver: impl Driver + 'static, spec: BusSpec, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> (Self, BusTask) {
        let devices = spec.devices.keys().map(|name| (name.clone(), DeviceStats::default())).collect();
        let stats = Arc::new(Mutex::new(BusStats { devices, ..BusStats::default() }));
        let (writes, write_jobs) = mpsc::channel(QUEUE_LEN);
        let (reads, read_jobs) = mpsc::channel(QUEUE_LEN);
        let board = Board::new(&spec, sink, clock);
        let task = Task::new(driver, &spec, board, Arc::clone(&stats), write_jobs, read_jobs);
        let handle = Self { spec: Arc::new(spec), writes, reads, stats };
        (handle, BusTask { drive: Box::pin(task.drive()) })
    }

    /// Makes a bus and runs it on the current runtime.
    #[must_use]
    pub fn spawn(spec: BusSpec, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>, cancel: CancellationToken) -> (Self, JoinHandle<()>) {
        let (handle, task) = Self::open(spec, sink, clock);
        (handle, tokio::spawn(task.run(cancel)))
    }

    /// What the bus is for.
    #[must_use]
    pub fn spec(&self) -> &BusSpec {
        &self.spec
    }

    /// Writes one tag, ahead of all polls. `guard` is called from the bus task, synchronously, right before the frame is
    /// handed to the socket; if it refuses, nothing is sent. If the caller stops waiting before that, nothing is sent either.
    ///
    /// # Errors
    /// [`WriteError`], by what may have become of the write.
    pub async fn write(
        &self,
        device: &Name,
        tag: &Name,
        value: Value,
        guard: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<Written, WriteError> {
        let not_sent = |error: DriverError| WriteError::NotSent(Obstacle::Driver(error));
        let (unit, spec) = self.find(device, tag).map_err(not_sent)?;
        let cells = register::encode(spec, &value).map_err(|unfit| not_sent(DriverError::permanent(format!("{device}/{tag}: {unfit}"))))?;
        let (reply, answer) = oneshot::channel();
        let sent = Arc::new(AtomicBool::new(false));
        let job = WriteJob { unit, first: spec.register, cells, guard: Box::new(guard), sent: Arc::clone(&sent), reply };
        match self.writes.try_send(job) {
            Err(TrySendError::Full(_)) => {
                self.stats.lock().writes_busy += 1;
                return Err(WriteError::NotSent(Obstacle::Busy));
            }
            Err(TrySendError::Closed(_)) => return Err(WriteError::NotSent(Obstacle::Stopped)),
            Ok(()) => {}
        }
        answer.await.unwrap_or_else(|_| {
            if sent.load(Ordering::Acquire) {
                Err(WriteError::MayHaveReached(DriverError::unreachable("the bus was stopped before the device answered")))
            } else {
                Err(WriteError::NotSent(Obstacle::Stopped))
            }
        })
    }

    /// Reads one tag, ahead of all polls. The sample goes to the sink too. It may have a bad quality, if the device answered with
    /// something that is no value.
    ///
    /// # Errors
    /// [`DriverError`], by what to do next. The sink has been told of it, if there was a request.
    pub async fn read(&self, device: &Name, tag: &Name) -> Result<Sample, DriverError> {
        let (unit, spec) = self.find(device, tag)?;
        if !spec.access.is_readable() {
            return Err(DriverError::permanent(format!("{device}/{tag} is write-only")));
        }
        let (reply, answer) = oneshot::channel();
        let stopped = || DriverError::unreachable("the bus was stopped");
        match self.reads.try_send(ReadJob { unit, tag: tag.clone(), reply }) {
            Err(TrySendError::Full(_)) => {
                let cause = crate::driver::Cause::Busy;
                return Err(DriverError::Transient { cause, message: "too many reads are waiting on this bus".into() });
            }
            Err(TrySendError::Closed(_)) => return Err(stopped()),
            Ok(()) => {}
        }
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// What the bus has done so far.
    #[must_use]
    pub fn stats(&self) -> BusStats {
        let mut stats = self.stats.lock().clone();
        stats.write_queue_depth = self.writes.max_capacity() - self.writes.capacity();
        stats.read_queue_depth = self.reads.max_capacity() - self.reads.capacity();
        stats
    }

    /// A device's number in the order of names, and a tag of it.
    fn find(&self, device: &Name, tag: &Name) -> Result<(usize, &TagSpec), DriverError> {
        let found = self.spec.devices.iter().enumerate().find(|(_, (name, _))| *name == device);
        let (unit, (_, spec)) =
            found.ok_or_else(|| DriverError::permanent(format!("no device {device} on the bus to {}", self.spec.address)))?;
        let tag = spec.tags.get(tag).ok_or_else(|| DriverError::permanent(format!("{device} has no tag {tag}")))?;
        Ok((unit, tag))
    }
}
