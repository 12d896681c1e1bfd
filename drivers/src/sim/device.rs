//! One simulated device: its memory, its physics, its faults, and its fence if it has one.
//!
//! It knows nothing of requests, sockets and tasks.

use super::fault::Fault;
use super::fence::{Fence, FenceMode, Kind};
use super::image::{Field, Image};
use super::model::{Model, model};
use super::plant::PlantError;
use crate::cells::Cells;
use crate::modbus::Exception;
use labkeeper_model::site::{DeviceSpec, Fencing, Register, ValueType};
use labkeeper_model::{Epoch, Name, Value};

/// A device, its memory, and what is wrong with it.
pub(super) struct Device {
    pub(super) name: Name,
    model: Box<dyn Model>,
    image: Image,
    fault: Option<Fault>,
    /// What readings show while the fault is "stuck".
    frozen: Option<Image>,
    fence: Option<Fence>,
}

impl Device {
    /// A device as declared, switched on.
    pub(super) fn new(name: &Name, spec: &DeviceSpec, fence_mode: FenceMode) -> Result<Self, PlantError> {
        let unknown = || PlantError::UnknownModel { device: name.clone(), model: spec.simulate.clone().unwrap_or_default() };
        let model = model(spec.simulate.as_deref(), name.as_str()).ok_or_else(unknown)?;
        let mut image = model.image();
        let fence = match spec.fencing {
            Fencing::DeviceToken { register } => {
                image = image.with(Field::new(register.table, register.address, ValueType::U32), Value::U64(0));
                Some(Fence::new(register, fence_mode))
            }
            _ => None,
        };
        Ok(Self { name: name.clone(), model, image, fault: None, frozen: None, fence })
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

    /// What a reading shows.
    pub(super) fn read(&self, first: Register, count: u16) -> Result<Cells, Exception> {
        self.frozen.as_ref().unwrap_or(&self.image).read(first, count)
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

    /// What a write is to its fence.
    ///
    /// # Errors
    /// The exception with which the fence refuses it in any case.
    pub(super) fn kind(&self, first: Register, cells: &Cells) -> Result<Kind, Exception> {
        self.fence.as_ref().map_or(Ok(Kind::Plain), |fence| fence.kind(first, cells))
    }

    /// Writes cells for a master whose connection holds `held`; what it holds afterwards.
    pub(super) fn write_for(&mut self, held: Option<Epoch>, first: Register, cells: &Cells) -> Result<Option<Epoch>, Exception> {
        let kind = self.kind(first, cells)?;
        if let Some(fence) = &mut self.fence {
            fence.admit(kind, held)?;
            let (register, newest) = fence.shown();
            self.image.set(register, &newest);
        }
        match kind {
            Kind::Claim(epoch) => Ok(Some(epoch)),
            Kind::Plain => self.write(first, cells).map(|()| held),
        }
    }

    /// Writes cells, whoever it is; a refused write leaves everything as it was.
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
