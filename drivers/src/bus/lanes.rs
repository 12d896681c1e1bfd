//! The commands that wait for a bus: a lane for each device, so that one device's commands never fill another's.
//!
//! ```text
//!                 chiller-1  │w w w│r │        take: one device after the other,
//!   handles ─push─►          ├─────┼──┤ ─────► of a device its writes first
//!                 chiller-2  │w    │  │
//! ```
//!
//! The lanes outlive the task that works them off. When a task ends, what waits is answered and nothing is taken in until the next
//! task opens the lanes. A task that was thought dead and is not finds that its number is an old one, and gets nothing any more.
//!
//! It knows nothing of drivers.

use crate::cells::Cells;
use crate::departure::Departure;
use crate::driver::{DriverError, WriteError};
use labkeeper_model::site::Register;
use labkeeper_model::{Name, Sample, Timestamp};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};

/// Most writes, and most single reads, that wait for one device. A device that answers in 10 ms works off 32 in 0.3 s, less than a
/// person notices; behind more than that a command is better refused at once than carried out late.
pub const QUEUE_LEN: usize = 32;

/// A write that the device confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// When the confirmation arrived.
    pub at: Timestamp,
}

/// A write that waits.
pub(super) struct WriteJob {
    pub(super) unit: usize,
    pub(super) tag: Name,
    pub(super) first: Register,
    pub(super) cells: Cells,
    pub(super) departure: Arc<Departure>,
    pub(super) reply: oneshot::Sender<Result<Written, WriteError>>,
}

/// A single read that waits.
pub(super) struct ReadJob {
    pub(super) unit: usize,
    pub(super) tag: Name,
    pub(super) reply: oneshot::Sender<Result<Sample, DriverError>>,
}

/// Either.
pub(super) enum Job {
    Write(WriteJob),
    Read(ReadJob),
}

/// Why a command is not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The lane is full.
    Full,
    /// No task works them off.
    Closed,
}

#[derive(Default)]
struct Lane {
    writes: VecDeque<WriteJob>,
    reads: VecDeque<ReadJob>,
}

struct Inner {
    /// The number of the newest task.
    task: u64,
    open: bool,
    devices: Vec<Lane>,
    /// Whose turn is next.
    next: usize,
}

/// The lanes of one bus.
pub(super) struct Lanes {
    inner: Mutex<Inner>,
    filled: Notify,
}

impl Lanes {
    /// Empty lanes for so many devices. They take commands in already: a task is about to come.
    pub(super) fn new(devices: usize) -> Self {
        let devices = (0..devices).map(|_| Lane::default()).collect();
        Self { inner: Mutex::new(Inner { task: 0, open: true, devices, next: 0 }), filled: Notify::new() }
    }

    /// A task begins to work them off; an earlier one gets nothing any more. Returns the task's number.
    pub(super) fn open(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.task += 1;
        inner.open = true;
        let task = inner.task;
        drop(inner);
        // A task that waits here and is not the newest is to find out.
        self.filled.notify_waiters();
        task
    }

    /// A task has ended: everything that waits is dropped, which answers it. Nothing happens if there is a newer task.
    pub(super) fn close(&self, task: u64) {
        let mut inner = self.inner.lock();
        if inner.task != task {
            return;
        }
        inner.open = false;
        let waiting: Vec<Lane> = inner.devices.iter_mut().map(std::mem::take).collect();
        drop(inner);
        // Outside of the lock, because it wakes those who wait.
        drop(waiting);
    }

    /// Takes a write in.
    pub(super) fn push_write(&self, job: WriteJob) -> Result<(), Refusal> {
        self.push(job.unit, |lane| &mut lane.writes, job)
    }

    /// Takes a single read in.
    pub(super) fn push_read(&self, job: ReadJob) -> Result<(), Refusal> {
        self.push(job.unit, |lane| &mut lane.reads, job)
    }

    fn push<T>(&self, unit: usize, queue: impl FnOnce(&mut Lane) -> &mut VecDeque<T>, job: T) -> Result<(), Refusal> {
        let mut inner = self.inner.lock();
        if !inner.open {
            return Err(Refusal::Closed);
        }
        let queue = queue(&mut inner.devices[unit]);
        if queue.len() >= QUEUE_LEN {
            return Err(Refusal::Full);
        }
        queue.push_back(job);
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for the next command of this task's; `None` once there is a newer task.
    pub(super) async fn take(&self, task: u64) -> Option<Job> {
        loop {
            match self.try_take(task) {
                Ok(None) => self.filled.notified().await,
                Ok(job) => return job,
                Err(Superseded) => {
                    // The wake-up may have been meant for the newer task.
                    self.filled.notify_one();
                    return None;
                }
            }
        }
    }

    fn try_take(&self, task: u64) -> Result<Option<Job>, Superseded> {
        let mut inner = self.inner.lock();
        if inner.task != task {
            return Err(Superseded);
        }
        let (first, count) = (inner.next, inner.devices.len());
        for unit in (0..count).map(|i| (first + i) % count) {
            let lane = &mut inner.devices[unit];
            let job = lane.writes.pop_front().map(Job::Write).or_else(|| lane.reads.pop_front().map(Job::Read));
            if job.is_some() {
                inner.next = unit + 1;
                return Ok(job);
            }
        }
        Ok(None)
    }

    /// How many writes and single reads wait for each device.
    pub(super) fn depths(&self) -> Vec<(usize, usize)> {
        self.inner.lock().devices.iter().map(|lane| (lane.writes.len(), lane.reads.len())).collect()
    }
}

/// There is a newer task.
struct Superseded;

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
