//! Taking a segment over: each device is read first, then its setpoints are reconciled, then control is enabled.
//!
//! ```text
//!  per device:  connecting --> claiming --> reading --> reconciling --> enabled
//!                    \______________________^ (no fence to claim)   \__ every write of the policies has its answer
//! ```
//!
//! Devices do not wait for each other: one that is dead keeps nobody from controlling its neighbours. The takeover is reported once, when
//! all devices are enabled, or after [`REPORT_AFTER`] with those that are; if none is by then, with the first. A device that comes later
//! is read and reconciled like the others, which is reported for its setpoints.
//!
//! Steps may be skipped: a shell that hears only of the reading has heard that there was a connection. Steps are never taken
//! back, as a device that is lost after its first reading was read under this ownership.
//!
//! Knows nothing of the lease: whoever carries out a write asks it. Times that are reported are the node's wall clock; nothing is decided
//! by them.

use crate::Moment;
use crate::reconcile::Decision;
use labkeeper_machine::{Reconciled, TakeoverReport};
use labkeeper_model::site::{Rung, SiteSpec};
use labkeeper_model::{Name, TagPath, Timestamp, Value};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long the report waits for devices that do not answer: as long as poor reach must last before it is told
/// ([`crate::reach::REACH_TIMEOUT`]), as by then they count as not reached.
pub const REPORT_AFTER: Duration = crate::reach::REACH_TIMEOUT;

/// How far a device has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No connection yet.
    Connecting,
    /// Connected; the fence's epoch is being claimed.
    Claiming,
    /// Waits for the first complete reading.
    Reading,
    /// The policies' writes are under way.
    Reconciling,
    /// Commands are carried out.
    Enabled,
}

impl Stage {
    /// Its word wherever it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Claiming => "claiming",
            Self::Reading => "reading",
            Self::Reconciling => "reconciling",
            Self::Enabled => "enabled",
        }
    }
}

/// Something for the shell to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Write a value that a policy asks for, under the lease's guard, and say what came of it.
    Write {
        /// Whose tag.
        device: Name,
        /// Which one.
        tag: TagPath,
        /// The value, in the tag's unit.
        value: Value,
    },
    /// Report what was found and done for these setpoints.
    Reconciled(Vec<(TagPath, Reconciled)>),
    /// Begin to carry out the device's commands.
    Enabled {
        /// Which device.
        device: Name,
    },
    /// Report the takeover.
    Taken(TakeoverReport),
}

/// The state machine of one ownership of one segment.
#[derive(Clone, Debug)]
pub struct Takeover {
    devices: BTreeMap<Name, Device>,
    /// When to report without the devices that are missing; `None` once it was reported.
    report_at: Option<Moment>,
    /// When the first device was connected; when the last that was read so far was read, and enabled.
    connected: Option<Timestamp>,
    read: Option<Timestamp>,
    enabled: Option<Timestamp>,
    /// At most four for each device and one more for each write of a policy: taken after each call.
    events: VecDeque<Event>,
}

#[derive(Clone, Debug)]
struct Device {
    stage: Stage,
    needs_claim: bool,
    /// Decisions whose write has no answer.
    writing: BTreeMap<TagPath, Reconciled>,
    settled: Vec<(TagPath, Reconciled)>,
}

impl Takeover {
    /// The takeover of a segment's devices that was granted, and applied here, at `now`.
    #[must_use]
    pub fn new(site: &SiteSpec, segment: &str, at: Timestamp, now: Moment) -> Self {
        let ours = site.devices.iter().filter(|(_, device)| device.segment.as_str() == segment);
        let fresh = |claims| Device { stage: Stage::Connecting, needs_claim: claims, writing: BTreeMap::new(), settled: vec![] };
        let devices = ours.map(|(name, device)| (name.clone(), fresh(device.fencing.rung() == Rung::F5))).collect();
        let report_at = Some(now.saturating_add(REPORT_AFTER));
        let mut takeover = Self { devices, report_at, connected: None, read: None, enabled: None, events: VecDeque::new() };
        if takeover.devices.is_empty() {
            (takeover.connected, takeover.read, takeover.enabled) = (Some(at), Some(at), Some(at));
            takeover.report();
        }
        takeover
    }

    /// How far a device has come; `None` if it does not belong to the segment.
    #[must_use]
    pub fn stage(&self, device: &str) -> Option<Stage> {
        self.devices.get(device).map(|device| device.stage)
    }

    /// How far each device has come.
    pub fn stages(&self) -> impl Iterator<Item = (&Name, Stage)> {
        self.devices.iter().map(|(name, device)| (name, device.stage))
    }

    /// Whether a device's commands may be carried out.
    #[must_use]
    pub fn is_enabled(&self, device: &str) -> bool {
        self.stage(device) == Some(Stage::Enabled)
    }

    /// Takes that a device was connected.
    pub fn handle_connected(&mut self, device: &Name, at: Timestamp) {
        let Some(device) = self.devices.get_mut(device).filter(|device| device.stage == Stage::Connecting) else { return };
        device.stage = if device.needs_claim { Stage::Claiming } else { Stage::Reading };
        self.connected.get_or_insert(at);
    }

    /// Takes that a device's fence has accepted this ownership's epoch.
    pub fn handle_claimed(&mut self, device: &Name, at: Timestamp) {
        self.handle_connected(device, at);
        if let Some(device) = self.devices.get_mut(device).filter(|device| device.stage == Stage::Claiming) {
            device.stage = Stage::Reading;
        }
    }

    /// Takes that every tag of a device was read for the first time, and what is to be done about its setpoints
    /// ([`crate::reconcile::reconcile_device`]).
    pub fn handle_read(&mut self, device: &Name, decisions: Vec<(TagPath, Decision)>, at: Timestamp) {
        self.handle_claimed(device, at);
        let Some(state) = self.devices.get_mut(device).filter(|device| device.stage == Stage::Reading) else { return };
        state.stage = Stage::Reconciling;
        self.read = self.read.max(Some(at));
        for (tag, Decision { outcome, write }) in decisions {
            match write {
                None => state.settled.push((tag, outcome)),
                Some(value) => {
                    self.events.push_back(Event::Write { device: device.clone(), tag: tag.clone(), value });
                    state.writing.insert(tag, outcome);
                }
            }
        }
        self.enable_if_settled(device, at);
    }

    /// Takes what came of a policy's write. A write that failed, or may have failed, leaves the device with the value that was read, as far
    /// as is known: the setpoint is reported as drifted, and readings show what the device really has.
    pub fn handle_written(&mut self, device: &Name, tag: &TagPath, is_written: bool, at: Timestamp) {
        let Some(state) = self.devices.get_mut(device) else { return };
        let Some(outcome) = state.writing.remove(tag) else { return };
        let outcome = match outcome.actual() {
            Some(actual) if !is_written => Reconciled::Adopted { actual: actual.clone() },
            _ => outcome,
        };
        state.settled.push((tag.clone(), outcome));
        self.enable_if_settled(device, at);
    }

    /// When [`Takeover::handle_timeout`] has something to do, and what.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Moment, &'static str)> {
        self.report_at.map(|at| (at, "report the takeover without the devices that do not answer"))
    }

    /// Takes that a time has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        let Some(at) = self.report_at.filter(|at| now >= *at) else { return };
        if self.enabled.is_some() {
            self.report();
        } else {
            // Looks again as often as it waited: nothing is lost if a device comes in between.
            self.report_at = Some(at.max(now).saturating_add(REPORT_AFTER));
        }
    }

    /// The next thing to do, if any.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn enable_if_settled(&mut self, name: &Name, at: Timestamp) {
        let Some(device) = self.devices.get_mut(name) else { return };
        if device.stage != Stage::Reconciling || !device.writing.is_empty() {
            return;
        }
        device.stage = Stage::Enabled;
        self.enabled = self.enabled.max(Some(at));
        let outcomes = std::mem::take(&mut device.settled);
        if !outcomes.is_empty() {
            self.events.push_back(Event::Reconciled(outcomes));
        }
        self.events.push_back(Event::Enabled { device: name.clone() });
        if self.devices.values().all(|device| device.stage == Stage::Enabled) {
            self.report();
        }
    }

    fn report(&mut self) {
        let (Some(connected), Some(read), Some(enabled)) = (self.connected, self.read, self.enabled) else { return };
        if self.report_at.take().is_none() {
            return;
        }
        // A site has at most 100,000 tags, so no more devices than that.
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let reached = self.devices.values().filter(|device| device.stage == Stage::Enabled).count();
        let (devices_reached, devices) = (count(reached), count(self.devices.len()));
        self.events.push_back(Event::Taken(TakeoverReport { connected, read, enabled, devices_reached, devices }));
    }
}

#[cfg(test)]
#[path = "takeover_tests.rs"]
mod tests;
