//! The way of readings from the buses of a segment to its detectors: every reading of a tag that an alarm looks at, before any deadband.
//!
//! A bus never waits: a reading for which there is no room is left out and counted, and the condition is judged by the next one.

use labkeeper_model::{Sample, TagPath};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// Most readings that wait: a third of a second of the whole site's 100,000 a second, which is longer than a look at all alarms takes; at 100
/// bytes each some 3 MB.
const QUEUE_MAX: usize = 32_768;

/// A reading on its way.
pub type Incoming = (Arc<TagPath>, Sample);

/// The way, with both its ends. It outlives a restart of the detectors.
pub struct Intake {
    /// Whether an alarm looks at the tag.
    wanted: BTreeMap<TagPath, Arc<AtomicBool>>,
    sender: mpsc::Sender<Incoming>,
    queue: Arc<Mutex<mpsc::Receiver<Incoming>>>,
    left_out: Arc<AtomicU64>,
}

/// The end at a bus, for one tag.
pub struct Inlet {
    tag: Arc<TagPath>,
    is_wanted: Arc<AtomicBool>,
    sender: mpsc::Sender<Incoming>,
    left_out: Arc<AtomicU64>,
}

impl Intake {
    /// A way for the readings of these tags; none is wanted yet.
    #[must_use]
    pub fn new(tags: impl Iterator<Item = TagPath>) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let wanted = tags.map(|tag| (tag, Arc::default())).collect();
        Self { wanted, sender, queue: Arc::new(Mutex::new(queue)), left_out: Arc::default() }
    }

    /// The end at a bus; `None` for a tag that was not named.
    #[must_use]
    pub fn inlet(&self, tag: &TagPath) -> Option<Inlet> {
        let (tag, is_wanted) = self.wanted.get_key_value(tag)?;
        let (sender, left_out) = (self.sender.clone(), self.left_out.clone());
        Some(Inlet { tag: Arc::new(tag.clone()), is_wanted: is_wanted.clone(), sender, left_out })
    }

    /// From here on the readings of these tags are wanted, and no others.
    pub fn want(&self, tags: &BTreeSet<&TagPath>) {
        for (tag, is_wanted) in &self.wanted {
            is_wanted.store(tags.contains(tag), Ordering::Relaxed);
        }
    }

    /// The other end, once whoever has it lets go.
    pub async fn readings(&self) -> OwnedMutexGuard<mpsc::Receiver<Incoming>> {
        Arc::clone(&self.queue).lock_owned().await
    }

    /// Readings that found no room since this was last asked.
    pub fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }
}

impl Inlet {
    /// Takes a reading; never waits.
    pub fn offer(&self, sample: &Sample) {
        if self.is_wanted.load(Ordering::Relaxed) && self.sender.try_send((Arc::clone(&self.tag), sample.clone())).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use labkeeper_model::{Quality, Timestamp, Value};

    #[tokio::test]
    async fn a_bus_never_waits_and_what_is_left_out_is_counted() {
        let tag = |name: &str| TagPath::parse(name).expect("a tag");
        let intake = Intake::new([tag("s/d/a"), tag("s/d/b")].into_iter());
        assert!(intake.inlet(&tag("s/d/c")).is_none());
        let (inlet, other) = (intake.inlet(&tag("s/d/a")).expect("an inlet"), intake.inlet(&tag("s/d/b")).expect("an inlet"));
        let sample = Sample { time: Timestamp(0), value: Some(Value::I64(1)), quality: Quality::Good };
        inlet.offer(&sample);
        intake.want(&[&tag("s/d/a")].into());
        other.offer(&sample);
        (0..QUEUE_MAX + 3).for_each(|_| inlet.offer(&sample));
        assert_eq!((intake.take_left_out(), intake.take_left_out()), (3, 0));
        let mut readings = intake.readings().await;
        assert_eq!(readings.len(), QUEUE_MAX);
        assert_eq!(readings.recv().await, Some((Arc::new(tag("s/d/a")), sample)));
    }
}
