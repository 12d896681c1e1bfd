//! What a bus's task does besides polling: writes, single reads, and claims of a device's fence.
//!
//! ```text
//!   write: prospect? ─► read before? ─► connect, claim ─► caller still waits? ─► driver: guard and frame ─► answer
//!   read:  prospect? ─────────────────► connect, claim ─────────────────────────► driver ─► sample
//! ```
//!
//! It decides nothing: prospects are the turns', the guard is asked by the driver, and what a refused claim means is the fence's.

use super::journal::{Fate, WriteEntry, Writing};
use super::lanes::{ReadJob, WriteJob, Written};
use super::task::{Task, Unit, now};
use crate::cells::Cells;
use crate::departure::Departure;
use crate::driver::{Driver, DriverError, Obstacle, WriteError};
use crate::fence;
use crate::modbus::register;
use crate::plan::Span;
use labkeeper_model::site::Register;
use labkeeper_model::{Name, Sample};
use std::sync::Arc;
use std::time::Instant;

impl<D: Driver> Task<D> {
    pub(super) async fn write(&mut self, job: WriteJob) {
        self.commands_in_a_row += 1;
        let WriteJob { unit, tag, first, cells, departure, reply } = job;
        let ready = self.prepare_write(unit).await;
        // The caller gave up, while the write was in the queue or while the bus connected for it.
        if reply.is_closed() {
            return;
        }
        let outcome = match ready {
            Err(obstacle) => Err(WriteError::NotSent(obstacle)),
            Ok(()) => self.send(unit, Some(tag), first, cells, &departure).await,
        };
        // A caller who gave up while the frame was on its way has no use for the outcome.
        let _ = reply.send(outcome);
    }

    async fn prepare_write(&mut self, unit: usize) -> Result<(), Obstacle> {
        self.prospect(unit)?;
        if !self.shared.progressed.is_read(&self.units[unit].name) {
            return Err(Obstacle::NotReadYet);
        }
        Ok(self.prepare(unit).await?)
    }

    /// One write request, with its entry in the journal. `tag` is `None` for a claim.
    async fn send(
        &mut self,
        unit: usize,
        tag: Option<Name>,
        first: Register,
        cells: Cells,
        departure: &Arc<Departure>,
    ) -> Result<Written, WriteError> {
        let started = now();
        let writing = self.writing(unit, tag, departure);
        self.sending(unit);
        let outcome = honest(self.driver.write(self.units[unit].target, first, cells, departure).await, departure);
        writing.end(Fate::of(&outcome), self.shared.clock.boot_ns());
        match &outcome {
            Ok(()) => self.command_done(unit, None, started),
            Err(WriteError::NotSent(Obstacle::Driver(error)) | WriteError::MayHaveReached(error)) => {
                self.command_done(unit, Some(error), started);
            }
            Err(WriteError::Refused(error)) => {
                self.command_done(unit, Some(error), started);
                // Perhaps because somebody else has claimed the device: the next request finds out.
                self.units[unit].claimed = false;
            }
            // Nothing was asked of the device.
            Err(WriteError::NotSent(_)) => {}
        }
        outcome.map(|()| {
            self.shared.stats.lock().writes += 1;
            Written { at: self.shared.clock.now() }
        })
    }

    fn writing(&self, unit: usize, tag: Option<Name>, departure: &Arc<Departure>) -> Writing {
        let entry = WriteEntry {
            device: self.units[unit].name.clone(),
            tag,
            epoch: self.shared.options.epoch,
            session: self.shared.options.session,
            checked_boot_ns: None,
            sent_boot_ns: None,
            acknowledged_boot_ns: None,
            fate: Fate::Unknown,
        };
        Writing::begin(Arc::clone(&self.shared.journal), Arc::clone(departure), entry)
    }

    /// Makes sure that the device has this owner's epoch from this connection, if it compares epochs.
    pub(super) async fn claim(&mut self, unit: usize) -> Result<(), DriverError> {
        let Unit { fence, claimed, target, .. } = self.units[unit];
        let Some(register) = fence.filter(|_| !claimed) else { return Ok(()) };
        let epoch = self.shared.options.epoch;
        let departure = self.shared.departure(Box::new(|| Ok(())));
        let writing = self.writing(unit, None, &departure);
        self.sending(unit);
        let outcome = honest(self.driver.write(target, register, fence::claim(epoch)?, &departure).await, &departure);
        writing.end(Fate::of(&outcome), self.shared.clock.boot_ns());
        match outcome {
            Ok(()) => {
                self.units[unit].claimed = true;
                self.shared.progressed.pass(&self.units[unit].name, |m| &mut m.claimed_at, self.shared.clock.now());
                Ok(())
            }
            Err(WriteError::Refused(refusal)) => {
                self.sending(unit);
                let held = self.driver.read(target, fence::span(register)).await.ok().as_ref().and_then(fence::held);
                Err(fence::refused(self.units[unit].name.as_str(), epoch, refusal, held))
            }
            Err(WriteError::MayHaveReached(error) | WriteError::NotSent(Obstacle::Driver(error))) => Err(error),
            Err(WriteError::NotSent(obstacle)) => Err(DriverError::unreachable(format!("not claimed: {obstacle}"))),
        }
    }

    pub(super) async fn read(&mut self, job: ReadJob) {
        if job.reply.is_closed() {
            return;
        }
        self.commands_in_a_row += 1;
        let outcome = match self.prospect(job.unit) {
            Ok(()) => self.prepare(job.unit).await,
            Err(error) => Err(error),
        };
        let outcome = match outcome {
            Ok(()) => self.fetch(job.unit, &job.tag).await,
            Err(error) => Err(error),
        };
        // A caller who has stopped waiting finds the sample where the sink put it.
        let _ = job.reply.send(outcome);
    }

    async fn fetch(&mut self, unit: usize, tag: &Name) -> Result<Sample, DriverError> {
        let started = now();
        let Unit { target, tags, .. } = &self.units[unit];
        let Some(spec) = tags.get(tag) else { return Err(DriverError::permanent(format!("no tag {tag}"))) };
        let (target, span) = (*target, Span::of(spec));
        self.sending(unit);
        let cells = self.driver.read(target, span).await;
        self.command_done(unit, cells.as_ref().err(), started);
        let mut board = self.shared.board.lock();
        let sample = match cells.map(|cells| register::decode(&self.units[unit].tags[tag], &cells, 0)) {
            Ok(Ok(value)) => board.good(unit, tag, value),
            Ok(Err(no_value)) => board.bad(unit, tag, no_value.reason()),
            Err(error) => {
                if error.is_an_answer() {
                    board.bad(unit, tag, error.reason());
                }
                return Err(error);
            }
        };
        sample.ok_or_else(|| DriverError::permanent(format!("{tag} cannot be read")))
    }

    /// Refuses a command at once for which there is no prospect.
    fn prospect(&self, unit: usize) -> Result<(), DriverError> {
        let at = now();
        let Some(retry_at) = self.turns.hopeless_until(unit, at) else { return Ok(()) };
        let name = &self.units[unit].name;
        let why = self.shared.stats.lock().devices.get(name).and_then(|device| device.last_error.clone()).unwrap_or_default();
        let wait = retry_at - at;
        Err(DriverError::unreachable(format!("{name} does not answer and is tried again in {wait:.1?}; last error: {why}")))
    }

    /// Makes sure that there is a connection on which the device listens to this owner.
    async fn prepare(&mut self, unit: usize) -> Result<(), DriverError> {
        if !self.turns.is_up(now()) {
            self.connect().await?;
        }
        let started = now();
        let claimed = self.claim(unit).await;
        if let Err(error) = &claimed {
            self.device_failed(unit, error, started);
        }
        claimed
    }

    fn command_done(&mut self, unit: usize, error: Option<&DriverError>, started: Instant) {
        match error {
            Some(error) if !error.is_an_answer() => self.device_failed(unit, error, started),
            _ => {
                self.turns.command_answered(unit, now());
                match error {
                    Some(error) => self.failed(unit, error),
                    None => self.note(unit, |_| {}),
                }
            }
        }
    }
}

/// What a driver says of a write, held against what the departure saw. A frame that has left may have reached the device, whatever
/// else is said; and one that was confirmed without having left was sent without asking.
fn honest(outcome: Result<(), WriteError>, departure: &Departure) -> Result<(), WriteError> {
    match outcome {
        Err(WriteError::NotSent(obstacle)) if departure.has_left() => {
            Err(WriteError::MayHaveReached(DriverError::protocol(format!("the driver denies a frame that has left: {obstacle}"))))
        }
        Ok(()) if !departure.has_left() => {
            tracing::error!("a driver confirms a write that it did not ask for");
            Err(WriteError::MayHaveReached(DriverError::protocol("the driver did not ask before it sent")))
        }
        other => other,
    }
}
