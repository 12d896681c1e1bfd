//! One simulated device: its memory, its physics and its faults; and the devices behind one address.
//!
//! Everything between a request and what is done about it is here, without sockets or tasks: [`Units::handle`] is what a
//! server asks. A write is logged while the device is held, so the log has the writes in the order in which it took them.

use super::fault::Fault;
use super::image::Image;
use super::model::{Model, model};
use super::pdu::{Refusal, Request, read_answer, refusal_answer, write_answer};
use super::plant::PlantError;
use super::write_log::{WriteLog, WriteOutcome, WriteRecord};
use crate::cells::Cells;
use crate::clock::{Clock, SystemClock};
use crate::modbus::Exception;
use labkeeper_model::Name;
use labkeeper_model::site::{DeviceSpec, Register};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A device, its memory, and what is wrong with it.
pub(super) struct Device {
    pub(super) name: Name,
    model: Box<dyn Model>,
    image: Image,
    fault: Option<Fault>,
    /// What readings show while the fault is "stuck".
    frozen: Option<Image>,
}

/// The devices behind one address, by unit.
pub(super) struct Units {
    devices: BTreeMap<u8, Arc<Mutex<Device>>>,
    log: Arc<WriteLog>,
}

/// What a server does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Answer with this protocol data unit, after a while.
    Answer { pdu: Vec<u8>, after: Duration },
    /// Nothing.
    Silence,
    /// Bytes that are no frame.
    Garbage,
    /// End the connection.
    Close,
}

impl Device {
    /// A device as declared, switched on.
    pub(super) fn new(name: &Name, spec: &DeviceSpec) -> Result<Self, PlantError> {
        let unknown = || PlantError::UnknownModel { device: name.clone(), model: spec.simulate.clone().unwrap_or_default() };
        let model = model(spec.simulate.as_deref(), name.as_str()).ok_or_else(unknown)?;
        let image = model.image();
        Ok(Self { name: name.clone(), model, image, fault: None, frozen: None })
    }

    /// The fault that it has.
    pub(super) const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Makes a fault begin, or all faults end.
    pub(super) fn inject(&mut self, fault: Option<Fault>) {
        self.frozen = (fault == Some(Fault::Stuck)).then(|| self.image.clone());
        self.fault = fault;
    }

    /// What it really holds.
    pub(super) fn peek(&self, first: Register, count: u16) -> Option<Cells> {
        self.image.read(first, count).ok()
    }

    /// Advances by `dt` seconds.
    pub(super) fn step(&mut self, dt: f64) {
        self.model.step(dt);
        self.model.publish(&mut self.image);
    }

    /// Writes cells as a master would; a refused write leaves everything as it was.
    pub(super) fn write(&mut self, first: Register, cells: &Cells) -> Result<(), Exception> {
        let before = self.image.clone();
        let written = self.image.write(first, cells).and_then(|()| self.model.adopt(&self.image));
        match written {
            Ok(()) => self.model.publish(&mut self.image),
            Err(_) => self.image = before,
        }
        written
    }
}

impl Units {
    /// No devices yet.
    pub(super) const fn new(log: Arc<WriteLog>) -> Self {
        Self { devices: BTreeMap::new(), log }
    }

    /// Adds a device. Returns the one that had its unit before.
    pub(super) fn add(&mut self, unit: u8, device: Arc<Mutex<Device>>) -> Option<Arc<Mutex<Device>>> {
        self.devices.insert(unit, device)
    }

    /// What to do with a request. A write is logged here, in the order in which the device takes it.
    pub(super) fn handle(&self, unit: u8, pdu: &[u8], peer: SocketAddr) -> Reaction {
        let Some(device) = self.devices.get(&unit) else {
            // As a gateway answers for a unit that nobody has.
            let function = pdu.first().copied().unwrap_or(0);
            return answer(refusal_answer(Refusal { function, exception: Exception::GatewayTargetFailedToRespond }));
        };
        let mut device = device.lock();
        let request = match Request::parse(pdu) {
            Ok(request) => request,
            Err(refusal) => return answer(refusal_answer(refusal)),
        };
        let fault = device.fault;
        match request {
            Request::Read { function, first, count } => {
                let read = |device: &Device| device.frozen.as_ref().unwrap_or(&device.image).read(first, count);
                react(fault, function, || read(&device).map(|cells| read_answer(function, &cells)))
            }
            Request::Write { function, first, cells } => {
                let mut outcome = WriteOutcome::Ignored;
                let reaction = react(fault, function, || {
                    let written = device.write(first, &cells);
                    outcome = if written.is_ok() { WriteOutcome::Applied } else { WriteOutcome::Refused };
                    written.map(|()| write_answer(function, first, &cells))
                });
                if let (WriteOutcome::Ignored, Some(Fault::Exception { .. })) = (outcome, fault) {
                    outcome = WriteOutcome::Refused;
                }
                let (peer, table) = (peer.to_string(), first.table.as_str().to_owned());
                let (time_unix_ns, device) = (SystemClock.now().0, device.name.to_string());
                let address = first.address;
                self.log.append(WriteRecord { time_unix_ns, peer, device, unit, function, table, address, values: cells, outcome });
                reaction
            }
        }
    }
}

/// Carries a request out, or does what the fault makes of it.
fn react(fault: Option<Fault>, function: u8, carry_out: impl FnOnce() -> Result<Vec<u8>, Exception>) -> Reaction {
    let answered = || carry_out_or_refuse(function, carry_out);
    match fault {
        None | Some(Fault::Stuck) => answer(answered()),
        Some(Fault::Slow { ms }) => Reaction::Answer { pdu: answered(), after: Duration::from_millis(ms) },
        Some(Fault::Garbage) => {
            answered();
            Reaction::Garbage
        }
        Some(Fault::Exception { code }) => answer(refusal_answer(Refusal { function, exception: Exception::from_code(code) })),
        Some(Fault::NoAnswer) => Reaction::Silence,
        Some(Fault::Disconnect) => Reaction::Close,
    }
}

fn carry_out_or_refuse(function: u8, carry_out: impl FnOnce() -> Result<Vec<u8>, Exception>) -> Vec<u8> {
    carry_out().unwrap_or_else(|exception| refusal_answer(Refusal { function, exception }))
}

const fn answer(pdu: Vec<u8>) -> Reaction {
    Reaction::Answer { pdu, after: Duration::ZERO }
}
