//! How far a bus has come with each device since it was opened: what a takeover is timed by, and what a first write waits for.
//!
//! ```text
//!   opened ──► connected ──► claimed (where the device or a gate compares epochs) ──► first reading ──► may be written
//!                               └─► fenced: somebody with a newer epoch has it
//! ```
//!
//! A milestone is passed once. A restart of the bus's task changes none of them: the owner is the same, and has read the device.
//!
//! It knows nothing of requests.

use labkeeper_model::{Name, Timestamp};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// When one device's milestones were passed, by the wall clock; `None`: not yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// The first connection to its address was opened.
    pub connected_at: Option<Timestamp>,
    /// The device, or the gate before it, took this owner's epoch. Never passed where nobody compares epochs.
    pub claimed_at: Option<Timestamp>,
    /// The device, or the gate before it, said first that it knows a newer owner.
    pub fenced_at: Option<Timestamp>,
    /// All its tags that can be read had been read, or refused by the device, for the first time. Where nothing can be read, it was
    /// connected to and claimed.
    pub first_reading_at: Option<Timestamp>,
}

/// The milestones of all devices of a bus.
#[derive(Debug)]
pub(super) struct Progressed(watch::Sender<BTreeMap<Name, Milestones>>);

impl Progressed {
    /// Nothing has been passed.
    pub(super) fn new(devices: impl Iterator<Item = Name>) -> Self {
        Self(watch::Sender::new(devices.map(|name| (name, Milestones::default())).collect()))
    }

    /// Passes a milestone of a device, unless it was passed before.
    pub(super) fn pass(&self, device: &Name, milestone: impl FnOnce(&mut Milestones) -> &mut Option<Timestamp>, at: Timestamp) {
        self.0.send_if_modified(|all| {
            let Some(reached) = all.get_mut(device).map(milestone) else { return false };
            let is_first = reached.is_none();
            reached.get_or_insert(at);
            is_first
        });
    }

    /// Whether a device has been read.
    pub(super) fn is_read(&self, device: &Name) -> bool {
        self.0.borrow().get(device).is_some_and(|reached| reached.first_reading_at.is_some())
    }

    /// All of them, and how to wait for the next.
    pub(super) fn watch(&self) -> watch::Receiver<BTreeMap<Name, Milestones>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_milestone_is_passed_once_and_told_once() {
        let device = Name::new("plc").unwrap();
        let progressed = Progressed::new([device.clone()].into_iter());
        let mut watch = progressed.watch();
        assert!(!progressed.is_read(&device) && !watch.has_changed().unwrap());
        progressed.pass(&device, |m| &mut m.first_reading_at, Timestamp(7));
        assert!(progressed.is_read(&device) && watch.has_changed().unwrap());
        assert_eq!(watch.borrow_and_update()[&device].first_reading_at, Some(Timestamp(7)));
        progressed.pass(&device, |m| &mut m.first_reading_at, Timestamp(9));
        assert!(!watch.has_changed().unwrap(), "nobody is woken for what is known");
        assert_eq!(watch.borrow()[&device].first_reading_at, Some(Timestamp(7)));
        progressed.pass(&Name::new("nobody").unwrap(), |m| &mut m.connected_at, Timestamp(9));
        assert!(!watch.has_changed().unwrap());
    }
}
