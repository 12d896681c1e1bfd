//! Where a bus puts its samples: each as it is to the segment's alarms and conditions, and through each tag's deadband into the table of
//! latest samples. Never waits.

use crate::telemetry::deadband::Deadband;
use crate::telemetry::detect::intake::{Inlet, Intake};
use crate::telemetry::fresh::{self, Fresh, FreshTag};
use crate::telemetry::latest::Latest;
use labkeeper_drivers::bus::{BusSpec, Sink};
use labkeeper_model::{Name, NodeId, Sample, TagPath};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The samples of one bus.
pub struct BusSink {
    latest: Arc<Latest>,
    me: NodeId,
    tags: BTreeMap<Name, BTreeMap<Name, TagSink>>,
    /// Readings taken since the node started, before any deadband; shared by all buses.
    taken: Arc<AtomicU64>,
}

struct TagSink {
    id: u32,
    deadband_width: f64,
    deadband: Mutex<Deadband>,
    fresh: Option<FreshTag>,
    alarms: Option<Inlet>,
}

impl BusSink {
    /// A sink for the tags of `bus`.
    #[must_use]
    pub fn new(bus: &BusSpec, latest: Arc<Latest>, fresh: &Fresh, intake: &Intake, me: NodeId, taken: Arc<AtomicU64>) -> Self {
        let tags = bus.devices.iter().map(|(name, device)| {
            let tags = device.tags.iter().map(|(tag, spec)| {
                let path = TagPath::new(&device.segment, name, tag);
                let (id, fresh, alarms) = (latest.id(&path), fresh.tag(&path).cloned(), intake.inlet(&path));
                (tag.clone(), TagSink { id, deadband_width: spec.deadband, deadband: Mutex::default(), fresh, alarms })
            });
            (name.clone(), tags.collect())
        });
        Self { tags: tags.collect(), latest, me, taken }
    }
}

impl Sink for BusSink {
    fn sample(&self, device: &Name, tag: &Name, sample: Sample) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let Some(row) = self.tags.get(device).and_then(|tags| tags.get(tag)) else { return };
        if let Some(tag) = &row.fresh {
            fresh::put(tag, &sample);
        }
        if let Some(alarms) = &row.alarms {
            alarms.offer(&sample);
        }
        if row.deadband.lock().passes(&sample, row.deadband_width) {
            self.latest.publish(row.id, self.me, sample);
        }
    }
}
