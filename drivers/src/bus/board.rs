//! What was last read of each tag: makes the samples that leave the bus.
//!
//! A sample's time is the wall clock's, but later than the tag's last one in any case, because the clock of a computer
//! may stand still or step back and whoever keeps history relies on the order.
//!
//! It knows nothing of requests and errors.

use super::{BusSpec, Sink};
use crate::clock::Clock;
use labkeeper_model::{BadReason, Name, Quality, Sample, Timestamp, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
struct Last {
    time: Option<Timestamp>,
    value: Option<Value>,
}

/// The last readings of one bus, and where they are reported to.
pub(super) struct Board {
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    devices: Vec<(Name, BTreeMap<Name, Last>)>,
}

impl Board {
    /// An empty board for the readable tags of a bus; devices are numbered in the order of their names.
    pub(super) fn new(spec: &BusSpec, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        let readable = |device: &labkeeper_model::site::DeviceSpec| {
            device.tags.iter().filter(|(_, tag)| tag.access.is_readable()).map(|(name, _)| (name.clone(), Last::default())).collect()
        };
        let devices = spec.devices.iter().map(|(name, device)| (name.clone(), readable(device))).collect();
        Self { sink, clock, devices }
    }

    /// A good reading.
    pub(super) fn good(&mut self, device: usize, tag: &Name, value: Value) -> Option<Sample> {
        self.report(device, tag, Some(value), Quality::Good)
    }

    /// A reading that came to nothing; it carries the last good value.
    pub(super) fn bad(&mut self, device: usize, tag: &Name, reason: BadReason) -> Option<Sample> {
        self.report(device, tag, None, Quality::Bad(reason))
    }

    /// No reading of the whole device came to anything.
    pub(super) fn all_bad(&mut self, device: usize, reason: BadReason) {
        let tags: Vec<Name> = self.devices[device].1.keys().cloned().collect();
        for tag in tags {
            self.bad(device, &tag, reason);
        }
    }

    /// `None` if the device has no such tag that can be read.
    fn report(&mut self, device: usize, tag: &Name, value: Option<Value>, quality: Quality) -> Option<Sample> {
        let (name, tags) = &mut self.devices[device];
        let last = tags.get_mut(tag)?;
        let now = self.clock.now();
        let time = last.time.map_or(now, |before| now.max(Timestamp(before.0.saturating_add(1))));
        last.time = Some(time);
        if value.is_some() {
            last.value = value;
        }
        let sample = Sample { time, value: last.value.clone(), quality };
        self.sink.sample(name, tag, sample.clone());
        Some(sample)
    }
}
