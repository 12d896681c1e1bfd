//! The devices, and the wires to them: which node reaches which segment, and what a device does with a request.
//!
//! A device that compares epochs refuses a claim that is older than the newest, and a write on a connection that claimed an older one. A
//! plain device does whatever reaches it.

use crate::clock::SimTime;
use crate::event::{Answer, Purpose, Request};
use crate::plant::Plant;
use labkeeper_model::{Epoch, Name, Quality, Sample, Timestamp, Value};
use std::collections::BTreeMap;

/// All devices.
#[derive(Clone, Debug)]
pub struct Field {
    devices: Vec<Device>,
    /// By node and segment: how often the wire is cut.
    cuts: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Device {
    segment: usize,
    has_fence: bool,
    newest_claim: Epoch,
    values: BTreeMap<Name, Value>,
    /// How often it is switched off.
    off: u8,
}

impl Field {
    /// The devices as they are when the world begins: everything at its safe value.
    #[must_use]
    pub fn new(plant: &Plant) -> Self {
        let device = |info: &crate::plant::DeviceInfo| Device {
            segment: info.segment,
            has_fence: info.has_fence,
            newest_claim: 0,
            values: info.tags.iter().map(|tag| (tag.clone(), Value::F64(crate::plant::SAFE))).collect(),
            off: 0,
        };
        let devices = plant.devices.iter().map(device).collect();
        Self { devices, cuts: vec![vec![0; plant.segments.len()]; plant.nodes.len()] }
    }

    /// Cuts the wire from a node to a segment once more, or heals one cut.
    pub fn cut(&mut self, node: usize, segment: usize, is_cut: bool) {
        count(&mut self.cuts[node][segment], is_cut);
    }

    /// Switches a device off once more, or on.
    pub fn switch(&mut self, device: usize, is_off: bool) {
        count(&mut self.devices[device].off, is_off);
    }

    /// Whether a node's requests reach a device, and its answers the node.
    #[must_use]
    pub fn reaches(&self, node: usize, device: usize) -> bool {
        let device = &self.devices[device];
        device.off == 0 && self.cuts[node][device.segment] == 0
    }

    /// Somebody turns a knob at the device itself.
    pub fn turn_knob(&mut self, device: usize, tag: &Name, value: Value) {
        self.devices[device].values.insert(tag.clone(), value);
    }

    /// The device does what is asked.
    pub fn execute(&mut self, request: &Request, now: SimTime) -> Answer {
        let device = &mut self.devices[request.asking.device];
        let epoch = request.asking.epoch;
        match &request.asking.purpose {
            Purpose::Connect | Purpose::Poll | Purpose::Probe => Answer::Done,
            Purpose::Claim if epoch < device.newest_claim => Answer::Refused,
            Purpose::Claim => {
                device.newest_claim = epoch;
                Answer::Done
            }
            Purpose::FirstReading | Purpose::JobReading(..) => Answer::Readings(device.readings(now)),
            Purpose::JobWrite(_) | Purpose::Policy(..) | Purpose::GoSafe | Purpose::Beat => device.write(request, epoch),
        }
    }
}

impl Device {
    fn write(&mut self, request: &Request, epoch: Epoch) -> Answer {
        if self.has_fence && epoch < self.newest_claim {
            return Answer::Refused;
        }
        if let Some((tag, value)) = &request.write
            && let Some(held) = self.values.get_mut(tag.tag())
        {
            held.clone_from(value);
        }
        Answer::Done
    }

    fn readings(&self, now: SimTime) -> BTreeMap<Name, Sample> {
        // The time of a sample is the reader's; the world's is as good as any, as nothing is decided by it.
        let time = Timestamp(now.0.cast_signed());
        let sample = |value: &Value| Sample { time, value: Some(value.clone()), quality: Quality::Good };
        self.values.iter().map(|(tag, value)| (tag.clone(), sample(value))).collect()
    }
}

fn count(cuts: &mut u8, is_cut: bool) {
    *cuts = if is_cut { cuts.saturating_add(1) } else { cuts.saturating_sub(1) };
}
