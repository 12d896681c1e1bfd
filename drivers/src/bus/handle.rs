//! What others hold of a bus: they queue commands and look at counters; the task does the rest.
//!
//! A command that cannot be queued is refused at once. One whose caller has stopped waiting is not carried out. A handle outlives the
//! bus's task: while a new one is on its way, commands are refused, and then they go on.

use super::board::Board;
use super::factory::BusFactory;
use super::journal::{Journal, WriteEntry};
use super::lanes::{Lanes, QUEUE_LEN, ReadJob, Refusal, WriteJob, Written};
use super::milestones::{Milestones, Progressed};
use super::options::BusOptions;
use super::stats::{BusStats, DeviceStats, QueueStats};
use super::{BusSpec, Sink};
use crate::clock::Clock;
use crate::departure::{Departure, Guard};
use crate::driver::{Cause, Driver, DriverError, Obstacle, WriteError};
use crate::gate::Pass;
use crate::link::Link;
use crate::modbus::{ModbusTcp, register};
use labkeeper_model::site::{DriverKind, TagSpec};
use labkeeper_model::{Name, Sample, Value};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What a bus's handles and its task share, and what outlives the task.
pub(super) struct Shared {
    pub(super) spec: BusSpec,
    pub(super) options: BusOptions,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lanes: Lanes,
    pub(super) board: Mutex<Board>,
    pub(super) stats: Mutex<BusStats>,
    pub(super) progressed: Progressed,
    pub(super) journal: Arc<Journal>,
}

impl Shared {
    /// A write that may leave only while the owner has its permit, and then only if its own guard agrees.
    pub(super) fn departure(&self, guard: Guard) -> Arc<Departure> {
        let permit = Arc::clone(&self.options.permit);
        let both = move || permit().and_then(|()| guard());
        Arc::new(Departure::new(Box::new(both), Arc::clone(&self.clock)))
    }
}

/// A bus, for those who use it. Cheap to clone; the bus goes on without handles.
#[derive(Clone)]
pub struct BusHandle {
    shared: Arc<Shared>,
}

/// A caller that waits for its write. When it stops waiting, the write is not to leave.
struct Waiting(Arc<Departure>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl BusHandle {
    /// Makes a bus with the driver that its devices name. Nothing happens before the factory's task runs.
    #[must_use]
    pub fn open(spec: BusSpec, options: BusOptions, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> (Self, BusFactory) {
        match spec.driver {
            DriverKind::ModbusTcp => {
                let link = link(&spec, &options);
                Self::open_with(move || ModbusTcp::new(link.clone()), spec, options, sink, clock)
            }
        }
    }

    /// Makes a bus with a driver of the caller's; `driver` makes one for each start of the bus's task.
    #[must_use]
    pub fn open_with<D: Driver + 'static>(
        driver: impl Fn() -> D + Send + Sync + 'static,
        spec: BusSpec,
        options: BusOptions,
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
    ) -> (Self, BusFactory) {
        let stats = |poll| DeviceStats { poll_interval_effective: poll, ..DeviceStats::default() };
        let devices = spec.devices.iter().map(|(name, device)| (name.clone(), stats(device.poll))).collect();
        let shared = Arc::new(Shared {
            lanes: Lanes::new(spec.devices.len()),
            board: Mutex::new(Board::new(&spec, sink, Arc::clone(&clock))),
            stats: Mutex::new(BusStats { devices, ..BusStats::default() }),
            progressed: Progressed::new(spec.devices.keys().cloned()),
            journal: Arc::default(),
            spec,
            options,
            clock,
        });
        let factory = BusFactory::new(driver, Arc::clone(&shared));
        (Self { shared }, factory)
    }

    /// Makes a bus and runs it on the current runtime, with nobody who restarts it.
    #[must_use]
    pub fn spawn(
        spec: BusSpec,
        options: BusOptions,
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
        cancel: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (handle, factory) = Self::open(spec, options, sink, clock);
        (handle, tokio::spawn(factory.task(Arc::new(|| ())).run(cancel)))
    }

    /// What the bus is for.
    #[must_use]
    pub fn spec(&self) -> &BusSpec {
        &self.shared.spec
    }

    /// Writes one tag, ahead of all polls. `guard` is asked after the owner's permit, synchronously and right before the frame is handed
    /// to a socket that takes it; if it refuses, nothing is sent. If the socket did not take the frame, it is asked again before the next
    /// attempt. If the caller stops waiting before the frame was sent, it is not sent.
    ///
    /// # Errors
    /// [`WriteError`], by what may have become of the write.
    pub async fn write(
        &self,
        device: &Name,
        tag: &Name,
        value: Value,
        guard: impl Fn() -> Result<(), String> + Send + 'static,
    ) -> Result<Written, WriteError> {
        let not_sent = |error: DriverError| WriteError::NotSent(Obstacle::Driver(error));
        let (unit, spec) = self.find(device, tag).map_err(not_sent)?;
        let cells = register::encode(spec, &value).map_err(|unfit| not_sent(DriverError::permanent(format!("{device}/{tag}: {unfit}"))))?;
        let (reply, answer) = oneshot::channel();
        let departure = self.shared.departure(Box::new(guard));
        let waiting = Waiting(Arc::clone(&departure));
        let job = WriteJob { unit, tag: tag.clone(), first: spec.register, cells, departure, reply };
        match self.shared.lanes.push_write(job) {
            Err(Refusal::Full) => {
                self.count(device, |queues| queues.writes_refused += 1);
                return Err(WriteError::NotSent(Obstacle::Busy));
            }
            Err(Refusal::Closed) => return Err(WriteError::NotSent(Obstacle::Stopped)),
            Ok(()) => {}
        }
        answer.await.unwrap_or_else(|_| {
            if waiting.0.has_left() {
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
        match self.shared.lanes.push_read(ReadJob { unit, tag: tag.clone(), reply }) {
            Err(Refusal::Full) => {
                self.count(device, |queues| queues.reads_refused += 1);
                return Err(DriverError::Transient { cause: Cause::Busy, message: format!("too many reads are waiting for {device}") });
            }
            Err(Refusal::Closed) => return Err(stopped()),
            Ok(()) => {}
        }
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// What the bus has done so far.
    #[must_use]
    pub fn stats(&self) -> BusStats {
        let mut stats = self.shared.stats.lock().clone();
        for (device, (writes, reads)) in stats.devices.values_mut().zip(self.shared.lanes.depths()) {
            (device.queues.writes, device.queues.reads) = (writes, reads);
        }
        stats
    }

    /// All commands that wait, all that could, and all that were refused for want of room: a gauge for the supervisor's tree.
    #[must_use]
    pub fn mailbox(&self) -> (usize, usize, u64) {
        let queues = self.stats().queues();
        // A lane for writes and one for reads.
        (queues.writes + queues.reads, 2 * QUEUE_LEN * self.shared.spec.devices.len(), queues.writes_refused + queues.reads_refused)
    }

    /// How far the bus has come with each device.
    #[must_use]
    pub fn milestones(&self) -> BTreeMap<Name, Milestones> {
        self.watch_milestones().borrow().clone()
    }

    /// The same, to wait for the next milestone.
    #[must_use]
    pub fn watch_milestones(&self) -> watch::Receiver<BTreeMap<Name, Milestones>> {
        self.shared.progressed.watch()
    }

    /// The last writes and claims, oldest first: at most [`super::ENTRIES_MAX`].
    #[must_use]
    pub fn write_records(&self) -> Vec<WriteEntry> {
        self.shared.journal.entries()
    }

    fn count(&self, device: &Name, count: impl FnOnce(&mut QueueStats)) {
        if let Some(device) = self.shared.stats.lock().devices.get_mut(device) {
            count(&mut device.queues);
        }
    }

    /// A device's number in the order of names, and a tag of it.
    fn find(&self, device: &Name, tag: &Name) -> Result<(usize, &TagSpec), DriverError> {
        let spec = self.spec();
        let found = spec.devices.iter().enumerate().find(|(_, (name, _))| *name == device);
        let (unit, (_, device_spec)) =
            found.ok_or_else(|| DriverError::permanent(format!("no device {device} on the bus to {}", spec.address)))?;
        let tag = device_spec.tags.get(tag).ok_or_else(|| DriverError::permanent(format!("{device} has no tag {tag}")))?;
        Ok((unit, tag))
    }
}

/// How the devices of a bus are connected to.
fn link(spec: &BusSpec, options: &BusOptions) -> Link {
    let gate = spec.gate().map(|(segment, address)| Pass {
        address: address.to_owned(),
        segment: segment.clone(),
        epoch: options.epoch,
        node: options.node.clone(),
    });
    Link { address: spec.address.clone(), source: options.source, write_timeout: options.write_timeout, gate }
}
