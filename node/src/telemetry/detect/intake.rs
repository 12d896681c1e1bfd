//! The way of readings from the buses of a segment to its detectors: every reading of a tag that an alarm looks at, before any deadband.
//!
//! A bus never waits: a reading for which there is no room is left out and counted, and the condition is judged by the next one.

use labkeeper_model::{Sample, TagPath};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

/// Most readings that wait: a third of a second of the whole site's 100,000 a second, which is longer than a look at all alarms takes; at 100
/// bytes each some 3 MB.
const QUEUE_MAX: usize = 32_768;

/// A reading on its way.
pub type Incoming = (Arc<TagPath>, Sample);

/// The way, with both its ends. It outlives a restart of the detectors.
pub struct Intake {
    wanted: BTreeSet<TagPath>,
    sender: mpsc::Sender<Incoming>,
    queue: Arc<Mutex<mpsc::Receiver<Incoming>>>,
    left_out: Arc<AtomicU64>,
}

/// The end at a bus, for one tag.
pub struct Inlet {
    tag: Arc<TagPath>,
    sender: mpsc::Sender<Incoming>,
    left_out: Arc<AtomicU64>,
}

impl Intake {
    /// A way for the readings of these tags.
    #[must_use]
    pub fn new(wanted: BTreeSet<TagPath>) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        Self { wanted, sender, queue: Arc::new(Mutex::new(queue)), left_out: Arc::default() }
    }

    /// The end at a bus; `None` if no alarm looks at the tag.
    #[must_use]
    pub fn inlet(&self, tag: &TagPath) -> Option<Inlet> {
        let (tag, sender, left_out) = (self.wanted.get(tag)?, self.sender.clone(), self.left_out.clone());
        Some(Inlet { tag: Arc::new(tag.clone()), sender, left_out })
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
        if self.sender.try_send((Arc::clone(&self.tag), sample.clone())).is_err() {
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
        let intake = Intake::new([tag("s/d/a")].into());
        assert!(intake.inlet(&tag("s/d/b")).is_none());
        let inlet = intake.inlet(&tag("s/d/a")).expect("wanted");
        let sample = Sample { time: Timestamp(0), value: Some(Value::I64(1)), quality: Quality::Good };
        (0..QUEUE_MAX + 3).for_each(|_| inlet.offer(&sample));
        assert_eq!((intake.take_left_out(), intake.take_left_out()), (3, 0));
        let mut readings = intake.readings().await;
        assert_eq!(readings.len(), QUEUE_MAX);
        assert_eq!(readings.recv().await, Some((Arc::new(tag("s/d/a")), sample)));
    }
}
