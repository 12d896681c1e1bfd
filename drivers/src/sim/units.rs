//! The devices behind one address, by unit: what is done about a request.
//!
//! Everything between a request and its answer is here, without sockets or tasks: [`Units::handle`] is what a server asks. A write is
//! logged while the device is held, so the log has the writes in the order in which it took them.

use super::device::Device;
use super::fault::Fault;
use super::fence::Kind;
use super::pdu::{Refusal, Request, read_answer, refusal_answer, write_answer};
use super::write_log::{WriteLog, WriteOutcome, WriteRecord};
use crate::cells::Cells;
use crate::clock::{Clock, SystemClock};
use crate::modbus::Exception;
use labkeeper_model::Epoch;
use labkeeper_model::site::Register;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The devices behind one address.
pub(super) struct Units {
    devices: BTreeMap<u8, Arc<Mutex<Device>>>,
    log: Arc<WriteLog>,
}

/// The other end of a connection, and the epochs with which it has claimed devices, by unit.
#[derive(Clone, Debug)]
pub(super) struct Master {
    peer: SocketAddr,
    claims: BTreeMap<u8, Epoch>,
}

impl Master {
    /// One that has claimed nothing.
    pub(super) const fn new(peer: SocketAddr) -> Self {
        Self { peer, claims: BTreeMap::new() }
    }
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

/// One write request.
struct Write {
    unit: u8,
    function: u8,
    first: Register,
    cells: Cells,
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

    /// Whether one of them sends what nobody asked for.
    pub(super) fn floods(&self) -> bool {
        self.devices.values().any(|device| device.lock().fault() == Some(Fault::Flood))
    }

    /// What to do with a request. A write is logged here, in the order in which the device takes it.
    pub(super) fn handle(&self, unit: u8, pdu: &[u8], master: &mut Master) -> Reaction {
        let Some(device) = self.devices.get(&unit) else {
            // As a gateway answers for a unit that nobody has.
            let function = pdu.first().copied().unwrap_or(0);
            return answer(refusal_answer(Refusal { function, exception: Exception::GatewayTargetFailedToRespond }));
        };
        let mut device = device.lock();
        match Request::parse(pdu) {
            Err(refusal) => answer(refusal_answer(refusal)),
            Ok(Request::Read { function, first, count }) => {
                react(device.fault(), function, || device.read(first, count).map(|cells| read_answer(function, &cells)))
            }
            Ok(Request::Write { function, first, cells }) => self.write(&mut device, Write { unit, function, first, cells }, master),
        }
    }

    fn write(&self, device: &mut Device, write: Write, master: &mut Master) -> Reaction {
        let Write { unit, function, first, cells } = write;
        let (fault, held) = (device.fault(), master.claims.get(&unit).copied());
        let claimed = match device.kind(first, &cells) {
            Ok(Kind::Claim(epoch)) => Some(epoch),
            _ => None,
        };
        let mut outcome = WriteOutcome::Ignored;
        let reaction = react(fault, function, || {
            let written = device.write_for(held, first, &cells);
            outcome = if written.is_ok() { WriteOutcome::Applied } else { WriteOutcome::Refused };
            if let Some(epoch) = written? {
                master.claims.insert(unit, epoch);
            }
            Ok(write_answer(function, first, &cells))
        });
        if let (WriteOutcome::Ignored, Some(Fault::Exception { .. })) = (outcome, fault) {
            outcome = WriteOutcome::Refused;
        }
        self.log.append(WriteRecord {
            time_unix_ns: SystemClock.now().0,
            peer: master.peer.to_string(),
            device: device.name.to_string(),
            unit,
            function,
            table: first.table.as_str().to_owned(),
            address: first.address,
            values: cells,
            outcome,
            epoch: claimed.or(held),
            claim: claimed.is_some(),
            time_boot_ns: SystemClock.boot_ns(),
        });
        reaction
    }
}

/// Carries a request out, or does what the fault makes of it.
fn react(fault: Option<Fault>, function: u8, carry_out: impl FnOnce() -> Result<Vec<u8>, Exception>) -> Reaction {
    let answered = || carry_out_or_refuse(function, carry_out);
    match fault {
        None | Some(Fault::Stuck | Fault::Flood) => answer(answered()),
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
