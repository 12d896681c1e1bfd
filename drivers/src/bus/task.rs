//! The shell of a bus: waits, does what the turns say, and passes on what came of it.
//!
//! | came of a request | samples | turns |
//! |---|---|---|
//! | an answer | good, or bad where the cells are no value | go on |
//! | a refusal, "busy" | bad (device error) for the tags of the request | go on |
//! | a refused range | none yet: the request is split and done again | go on |
//! | no proper answer | bad for all tags of the device | the device steps back |
//! | no connection | bad for all tags of all devices | all step back |
//!
//! It decides nothing: not whose turn it is, not when to try again, not whether a write is allowed.

use super::BusSpec;
use super::board::Board;
use super::handle::{ReadJob, WriteJob, Written};
use super::stats::{BusStats, DeviceStats};
use crate::driver::{Driver, DriverError, Obstacle, Target, WriteError};
use crate::modbus::register;
use crate::plan::{ReadPlan, Span};
use crate::turn::{Turn, Turns};
use labkeeper_model::site::TagSpec;
use labkeeper_model::{Name, Sample};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::mpsc::Receiver;

/// Most commands in a row while a poll is due. Of 33 requests one is a poll's then: at 10 ms each, a value every 0.33 s
/// even under a flood of commands.
const COMMANDS_IN_A_ROW_MAX: u32 = 32;

struct Unit {
    name: Name,
    target: Target,
    tags: BTreeMap<Name, TagSpec>,
    plan: ReadPlan,
}

/// One running bus.
pub(super) struct Task<D> {
    driver: D,
    units: Vec<Unit>,
    turns: Turns,
    board: Board,
    stats: Arc<Mutex<BusStats>>,
    writes: Receiver<WriteJob>,
    reads: Receiver<ReadJob>,
    commands_in_a_row: u32,
}

/// The monotonic clock, which a test can pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn jitter() -> f64 {
    rand::random()
}

async fn until(turn: Turn) {
    match turn {
        Turn::Wait { until: Some(until) } => tokio::time::sleep_until(until.into()).await,
        Turn::Wait { until: None } => std::future::pending().await,
        Turn::Connect | Turn::Read { .. } => {}
    }
}

impl<D: Driver> Task<D> {
    /// A bus that has not begun.
    pub(super) fn new(
        driver: D,
        spec: &BusSpec,
        board: Board,
        stats: Arc<Mutex<BusStats>>,
        writes: Receiver<WriteJob>,
        reads: Receiver<ReadJob>,
    ) -> Self {
        let unit = |(name, device): (&Name, &labkeeper_model::site::DeviceSpec)| Unit {
            name: name.clone(),
            target: Target { unit_id: device.unit_id, timeout: device.timeout },
            tags: device.tags.clone(),
            plan: ReadPlan::new(&device.tags),
        };
        let units: Vec<Unit> = spec.devices.iter().map(unit).collect();
        let shapes = spec.devices.values().zip(&units).map(|(device, unit)| (device.poll, unit.plan.requests().len()));
        // The first poll is due when the bus is made: a new owner reads the hardware first.
        let turns = Turns::new(shapes, now());
        Self { driver, units, turns, board, stats, writes, reads, commands_in_a_row: 0 }
    }

    /// Runs for ever. Dropping the future stops it, at any point.
    pub(super) async fn drive(mut self) {
        loop {
            let turn = self.turns.next(now());
            let idle = matches!(turn, Turn::Wait { .. });
            let commands = idle || self.commands_in_a_row < COMMANDS_IN_A_ROW_MAX;
            tokio::select! {
                biased;
                Some(job) = self.writes.recv(), if commands => self.write(job).await,
                Some(job) = self.reads.recv(), if commands => self.read(job).await,
                () = until(turn) => self.take(turn).await,
            }
        }
    }

    async fn take(&mut self, turn: Turn) {
        self.commands_in_a_row = 0;
        match turn {
            Turn::Wait { .. } => {}
            // A failure has been reported to everybody; the turns know when to try again.
            Turn::Connect => drop(self.connect().await),
            Turn::Read { unit, request } => self.poll(unit, request).await,
        }
    }

    async fn connect(&mut self) -> Result<(), DriverError> {
        self.stats.lock().connects += 1;
        let outcome = self.driver.connect().await;
        match &outcome {
            Ok(()) => {
                self.turns.connected(now());
                for (i, unit) in self.units.iter_mut().enumerate() {
                    // What was split is tried whole again: the device may be another one, or in another state.
                    unit.plan = ReadPlan::new(&unit.tags);
                    self.turns.replanned(i, unit.plan.requests().len());
                }
                tracing::debug!(devices = ?self.names(), "connected");
            }
            Err(error) => {
                self.turns.connect_failed(now(), jitter());
                let mut stats = self.stats.lock();
                stats.connect_errors += 1;
                stats.last_connect_error = Some(error.to_string());
                drop(stats);
                for unit in 0..self.units.len() {
                    self.board.all_bad(unit, error.reason());
                    self.note(unit, |device| device.last_error = Some(error.to_string()));
                }
            }
        }
        self.stats.lock().link = self.turns.link_health();
        outcome
    }

    /// One request of a poll.
    async fn poll(&mut self, unit: usize, request: usize) {
        let started = now();
        if let Some((tick, late)) = self.turns.begin(unit, started) {
            self.note(unit, |device| {
                device.skipped += tick.skipped;
                device.late += u64::from(late);
            });
        }
        let Unit { target, plan, .. } = &self.units[unit];
        let (target, span) = (*target, plan.requests()[request].span);
        self.sending(unit);
        match self.driver.read(target, span).await {
            Ok(cells) => {
                let Unit { tags, plan, .. } = &self.units[unit];
                for slot in &plan.requests()[request].slots {
                    match register::decode(&tags[&slot.tag], &cells, slot.offset) {
                        Ok(value) => self.board.good(unit, &slot.tag, value),
                        Err(no_value) => self.board.bad(unit, &slot.tag, no_value.reason()),
                    };
                }
                self.turns.answered(unit, false, now());
                self.note(unit, |_| {});
            }
            Err(error) if error.is_an_answer() => self.poll_refused(unit, request, &error),
            Err(error) => self.device_failed(unit, &error, started),
        }
    }

    /// The device answered, but with a refusal: that concerns this request only.
    fn poll_refused(&mut self, unit: usize, request: usize, error: &DriverError) {
        let Unit { tags, plan, .. } = &mut self.units[unit];
        if matches!(error, DriverError::Refused { narrower_may_work: true, .. }) && plan.split(request, tags) {
            self.turns.replanned(unit, plan.requests().len());
        } else {
            for slot in &plan.requests()[request].slots {
                self.board.bad(unit, &slot.tag, error.reason());
            }
            self.turns.answered(unit, true, now());
        }
        self.failed(unit, error);
    }

    /// The device gave no proper answer: nothing of it is known.
    fn device_failed(&mut self, unit: usize, error: &DriverError, started: Instant) {
        self.board.all_bad(unit, error.reason());
        self.turns.failed(unit, started, now(), jitter());
        if !self.driver.is_connected() {
            self.turns.link_lost(now());
        }
        self.failed(unit, error);
    }

    async fn write(&mut self, job: WriteJob) {
        self.commands_in_a_row += 1;
        let WriteJob { unit, first, cells, guard, sent, reply } = job;
        let ready = self.prepare(unit).await;
        // The caller gave up, while the write was in the queue or while the bus connected for it.
        if reply.is_closed() {
            return;
        }
        let outcome = match ready.map_err(Obstacle::Driver).and_then(|()| guard().map_err(Obstacle::Guard)) {
            Err(obstacle) => Err(WriteError::NotSent(obstacle)),
            Ok(()) => {
                sent.store(true, Ordering::Release);
                self.send(unit, first, cells).await.map_err(WriteError::after_sending)
            }
        };
        // A caller who gave up while the frame was on its way has no use for the outcome.
        let _ = reply.send(outcome);
    }

    /// Hands the frame over at once: nothing may come between the guard and the socket, not even the runtime's turn-taking.
    async fn send(&mut self, unit: usize, first: labkeeper_model::site::Register, cells: crate::Cells) -> Result<Written, DriverError> {
        let started = now();
        self.sending(unit);
        let written = tokio::task::unconstrained(self.driver.write(self.units[unit].target, first, cells)).await;
        self.command_done(unit, written.as_ref().err(), started);
        written.map(|()| {
            self.stats.lock().writes += 1;
            Written { at: self.board.now() }
        })
    }

    async fn read(&mut self, job: ReadJob) {
        if job.reply.is_closed() {
            return;
        }
        self.commands_in_a_row += 1;
        let outcome = match self.prepare(job.unit).await {
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
        let sample = match cells.map(|cells| register::decode(&self.units[unit].tags[tag], &cells, 0)) {
            Ok(Ok(value)) => self.board.good(unit, tag, value),
            Ok(Err(no_value)) => self.board.bad(unit, tag, no_value.reason()),
            Err(error) => {
                if error.is_an_answer() {
                    self.board.bad(unit, tag, error.reason());
                }
                return Err(error);
            }
        };
        sample.ok_or_else(|| DriverError::permanent(format!("{tag} cannot be read")))
    }

    /// Makes sure that there is a connection for a command, unless that has no prospect.
    async fn prepare(&mut self, unit: usize) -> Result<(), DriverError> {
        let at = now();
        if let Some(retry_at) = self.turns.hopeless_until(unit, at) {
            let name = &self.units[unit].name;
            let why = self.stats.lock().devices.get(name).and_then(|device| device.last_error.clone()).unwrap_or_default();
            let wait = retry_at - at;
            return Err(DriverError::unreachable(format!("{name} does not answer and is tried again in {wait:.1?}; last error: {why}")));
        }
        if self.turns.is_up(at) { Ok(()) } else { self.connect().await }
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

    fn sending(&self, unit: usize) {
        self.stats.lock().requests += 1;
        self.note(unit, |device| device.requests += 1);
    }

    fn failed(&self, unit: usize, error: &DriverError) {
        self.note(unit, |device| {
            device.errors.count(error);
            device.last_error = Some(error.to_string());
        });
    }

    /// Changes a device's counters and takes its health over; a change of health is worth a line in the log.
    fn note(&self, unit: usize, change: impl FnOnce(&mut DeviceStats)) {
        let name = &self.units[unit].name;
        let mut stats = self.stats.lock();
        let Some(device) = stats.devices.get_mut(name) else { return };
        change(device);
        let health = self.turns.health(unit);
        if device.health != health {
            let (was, why) = (device.health.as_str(), device.last_error.as_deref().unwrap_or("none"));
            tracing::info!(device = %name, was, health = health.as_str(), last_error = why, "health changed");
            device.health = health;
        }
    }

    fn names(&self) -> Vec<&str> {
        self.units.iter().map(|unit| unit.name.as_str()).collect()
    }
}
