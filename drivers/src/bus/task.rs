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
//! It decides nothing: not whose turn it is, not when to try again, not whether a write is allowed. Commands are in `commands.rs`.

use super::factory::PROGRESS_EVERY;
use super::handle::Shared;
use super::lanes::Job;
use super::options::Progress;
use super::stats::DeviceStats;
use crate::driver::{Driver, DriverError, Target};
use crate::modbus::register;
use crate::pace::Paced;
use crate::plan::ReadPlan;
use crate::turn::{Turn, Turns};
use labkeeper_model::Name;
use labkeeper_model::site::{DeviceSpec, Fencing, Register, TagSpec};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Most commands in a row while a poll is due. Of 33 requests one is a poll's then: at 10 ms each, a value every 0.33 s
/// even under a flood of commands.
const COMMANDS_IN_A_ROW_MAX: u32 = 32;

pub(super) struct Unit {
    pub(super) name: Name,
    pub(super) target: Target,
    pub(super) tags: BTreeMap<Name, TagSpec>,
    plan: ReadPlan,
    /// Where the device compares epochs.
    pub(super) fence: Option<Register>,
    /// Whether it has this owner's epoch from this connection.
    pub(super) claimed: bool,
}

/// One run of a bus.
pub(super) struct Task<D> {
    pub(super) driver: D,
    pub(super) units: Vec<Unit>,
    pub(super) turns: Turns,
    pub(super) shared: Arc<Shared>,
    /// Which run it is.
    number: u64,
    progress: Progress,
    pub(super) commands_in_a_row: u32,
}

/// The monotonic clock, which a test can pause.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn jitter() -> f64 {
    rand::random()
}

/// Waits until a turn is to be taken; with nothing to do, until progress is to be reported.
async fn until(turn: Turn) {
    if let Turn::Wait { until } = turn {
        let latest = now() + PROGRESS_EVERY;
        tokio::time::sleep_until(until.map_or(latest, |until| until.min(latest)).into()).await;
    }
}

fn unit((name, device): (&Name, &DeviceSpec)) -> Unit {
    let fence = match device.fencing {
        Fencing::DeviceToken { register } => Some(register),
        _ => None,
    };
    let target = Target { unit_id: device.unit_id, timeout: device.timeout };
    Unit { name: name.clone(), target, tags: device.tags.clone(), plan: ReadPlan::new(&device.tags), fence, claimed: false }
}

/// A device of which nothing can be read has its turns too: to be connected to and claimed, before somebody writes to it.
fn turns_of(plan: &ReadPlan) -> usize {
    plan.requests().len().max(1)
}

impl<D: Driver> Task<D> {
    /// A run that has not begun.
    pub(super) fn new(driver: D, shared: Arc<Shared>, number: u64, progress: Progress) -> Self {
        let devices = &shared.spec.devices;
        let units: Vec<Unit> = devices.iter().map(unit).collect();
        let shapes = devices.values().zip(&units).map(|(device, unit)| (device.poll, turns_of(&unit.plan)));
        // The first poll is due when the bus is made: a new owner reads the hardware first.
        let turns = Turns::new(shapes, now());
        Self { driver, units, turns, shared, number, progress, commands_in_a_row: 0 }
    }

    /// Runs until there is a newer run. Dropping the future stops it, at any point.
    pub(super) async fn drive(mut self) {
        loop {
            (self.progress)();
            let turn = self.turns.next(now());
            let idle = matches!(turn, Turn::Wait { .. });
            let commands = idle || self.commands_in_a_row < COMMANDS_IN_A_ROW_MAX;
            tokio::select! {
                biased;
                job = self.shared.lanes.take(self.number), if commands => match job {
                    Some(Job::Write(job)) => self.write(job).await,
                    Some(Job::Read(job)) => self.read(job).await,
                    None => return,
                },
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

    pub(super) async fn connect(&mut self) -> Result<(), DriverError> {
        self.shared.stats.lock().connects += 1;
        let outcome = self.driver.connect().await;
        match &outcome {
            Ok(()) => self.connected(),
            Err(error) => self.connect_failed(error),
        }
        self.shared.stats.lock().link = self.turns.link_health();
        outcome
    }

    fn connected(&mut self) {
        self.turns.connected(now());
        let (at, past_a_gate) = (self.shared.clock.now(), self.shared.spec.gate().is_some());
        for (i, unit) in self.units.iter_mut().enumerate() {
            // What was split is tried whole again: the device may be another one, or in another state.
            unit.plan = ReadPlan::new(&unit.tags);
            unit.claimed = false;
            self.turns.replanned(i, turns_of(&unit.plan));
            self.shared.progressed.pass(&unit.name, |m| &mut m.connected_at, at);
            if past_a_gate {
                self.shared.progressed.pass(&unit.name, |m| &mut m.claimed_at, at);
            }
        }
        tracing::debug!(devices = ?self.names(), "connected");
    }

    fn connect_failed(&mut self, error: &DriverError) {
        self.turns.connect_failed(now(), jitter());
        let mut stats = self.shared.stats.lock();
        stats.connect_errors += 1;
        stats.last_connect_error = Some(error.to_string());
        drop(stats);
        for unit in 0..self.units.len() {
            self.shared.board.lock().all_bad(unit, error.reason());
            self.fenced(unit, error);
            self.note(unit, |device| device.last_error = Some(error.to_string()));
        }
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
        if let Err(error) = self.claim(unit).await {
            return self.device_failed(unit, &error, started);
        }
        let Unit { target, plan, .. } = &self.units[unit];
        let Some(span) = plan.requests().get(request).map(|request| request.span) else { return self.greeted(unit) };
        let target = *target;
        self.sending(unit);
        match self.driver.read(target, span).await {
            Ok(cells) => {
                let Unit { tags, plan, .. } = &self.units[unit];
                let mut board = self.shared.board.lock();
                for slot in &plan.requests()[request].slots {
                    match register::decode(&tags[&slot.tag], &cells, slot.offset) {
                        Ok(value) => board.good(unit, &slot.tag, value),
                        Err(no_value) => board.bad(unit, &slot.tag, no_value.reason()),
                    };
                }
                drop(board);
                self.poll_answered(unit, false);
                self.note(unit, |_| {});
            }
            Err(error) if error.is_an_answer() => self.poll_refused(unit, request, &error),
            Err(error) => self.device_failed(unit, &error, started),
        }
    }

    /// A device of which nothing can be read has been connected to, and claimed if it compares epochs.
    fn greeted(&mut self, unit: usize) {
        self.turns.greeted(unit);
        self.note(unit, |_| {});
        self.shared.progressed.pass(&self.units[unit].name, |m| &mut m.first_reading_at, self.shared.clock.now());
    }

    /// A request of a poll is done; the last one of a poll may change the pace, and that of the first poll is a milestone.
    fn poll_answered(&mut self, unit: usize, refused: bool) {
        let Some(Paced { overrun, changed }) = self.turns.answered(unit, refused, now()) else { return };
        let interval = self.turns.interval(unit);
        self.note(unit, |device| {
            device.overruns += u64::from(overrun);
            device.poll_interval_effective = interval;
        });
        let name = &self.units[unit].name;
        if changed.is_some() {
            let declared = self.shared.spec.devices.get(name).map_or(interval, |device| device.poll);
            tracing::info!(device = %name, ?interval, ?declared, "the interval between polls changed, by how long polls take");
        }
        self.shared.progressed.pass(name, |m| &mut m.first_reading_at, self.shared.clock.now());
    }

    /// The device answered, but with a refusal: that concerns this request only.
    fn poll_refused(&mut self, unit: usize, request: usize, error: &DriverError) {
        let Unit { tags, plan, .. } = &mut self.units[unit];
        if matches!(error, DriverError::Refused { narrower_may_work: true, .. }) && plan.split(request, tags) {
            self.turns.replanned(unit, turns_of(plan));
        } else {
            let mut board = self.shared.board.lock();
            for slot in &plan.requests()[request].slots {
                board.bad(unit, &slot.tag, error.reason());
            }
            drop(board);
            self.poll_answered(unit, true);
        }
        self.failed(unit, error);
    }

    /// The device gave no proper answer: nothing of it is known.
    pub(super) fn device_failed(&mut self, unit: usize, error: &DriverError, started: Instant) {
        self.shared.board.lock().all_bad(unit, error.reason());
        self.fenced(unit, error);
        self.turns.failed(unit, started, now(), jitter());
        if !self.driver.is_connected() {
            self.turns.link_lost(now());
        }
        self.failed(unit, error);
    }

    /// Passes the milestone that the owner has to look at: its epoch is not the newest.
    fn fenced(&self, unit: usize, error: &DriverError) {
        if matches!(error, DriverError::Fenced { .. }) {
            self.shared.progressed.pass(&self.units[unit].name, |m| &mut m.fenced_at, self.shared.clock.now());
        }
    }

    pub(super) fn sending(&self, unit: usize) {
        self.shared.stats.lock().requests += 1;
        self.note(unit, |device| device.requests += 1);
    }

    pub(super) fn failed(&self, unit: usize, error: &DriverError) {
        self.note(unit, |device| {
            device.errors.count(error);
            device.last_error = Some(error.to_string());
        });
    }

    /// Changes a device's counters and takes its health over; a change of health is worth a line in the log.
    pub(super) fn note(&self, unit: usize, change: impl FnOnce(&mut DeviceStats)) {
        let name = &self.units[unit].name;
        let mut stats = self.shared.stats.lock();
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
