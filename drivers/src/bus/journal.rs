//! What was written to devices lately, with the times that show by whose right: for people after an incident, and for tests.
//!
//! An entry is made when its [`Writing`] ends, however it ends: a bus that is stopped in the middle of a write leaves an entry too.
//!
//! It knows nothing of values and registers.

use crate::departure::Departure;
use crate::driver::WriteError;
use labkeeper_model::{Epoch, Name, SessionId};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most entries kept. At some 150 bytes each, 40 kB for a bus that writes, and 40 MB for a thousand of them. At one write a second the
/// last four minutes; the log has all of them at level debug.
pub const ENTRIES_MAX: usize = 256;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The device confirmed it.
    Acknowledged,
    /// The device answered that it did not do it.
    Refused,
    /// Nothing was sent.
    NotSent,
    /// Sent, and no answer proves what became of it.
    Unknown,
}

impl Fate {
    /// What an outcome says of it.
    pub(super) const fn of(outcome: &Result<(), WriteError>) -> Self {
        match outcome {
            Ok(()) => Self::Acknowledged,
            Err(WriteError::Refused(_)) => Self::Refused,
            Err(WriteError::NotSent(_)) => Self::NotSent,
            Err(WriteError::MayHaveReached(_)) => Self::Unknown,
        }
    }
}

/// One write, or claim, of this bus. Times are of the boot clock, in ns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteEntry {
    /// The device.
    pub device: Name,
    /// The tag; `None` for a claim of the device's fence.
    pub tag: Option<Name>,
    /// The epoch under which it was sent.
    pub epoch: Epoch,
    /// The session in which it was sent.
    pub session: SessionId,
    /// When the guard was asked last.
    pub checked_boot_ns: Option<u64>,
    /// When the socket took the frame.
    pub sent_boot_ns: Option<u64>,
    /// When the device's confirmation had arrived.
    pub acknowledged_boot_ns: Option<u64>,
    /// What became of it.
    pub fate: Fate,
}

/// The last writes of one bus.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Mutex<VecDeque<WriteEntry>>,
}

impl Journal {
    /// The entries, oldest first.
    pub(super) fn entries(&self) -> Vec<WriteEntry> {
        self.entries.lock().iter().cloned().collect()
    }

    fn enter(&self, entry: WriteEntry) {
        let WriteEntry { device, tag, epoch, session, checked_boot_ns: checked, sent_boot_ns: sent, .. } = &entry;
        let (tag, acknowledged) = (tag.as_ref().map(Name::as_str), entry.acknowledged_boot_ns);
        tracing::debug!(%device, tag, epoch, session, checked, sent, acknowledged, fate = ?entry.fate, "write");
        let mut entries = self.entries.lock();
        if entries.len() == ENTRIES_MAX {
            entries.pop_front();
        }
        entries.push_back(entry);
    }
}

/// A write under way.
pub(super) struct Writing {
    journal: Arc<Journal>,
    departure: Arc<Departure>,
    entry: Option<WriteEntry>,
}

impl Writing {
    /// Begins a write. If it is dropped before it is ended, its fate is what the departure says.
    pub(super) const fn begin(journal: Arc<Journal>, departure: Arc<Departure>, entry: WriteEntry) -> Self {
        Self { journal, departure, entry: Some(entry) }
    }

    /// The write is over, at this boot time in ns.
    pub(super) fn end(mut self, fate: Fate, at_boot_ns: u64) {
        if let Some(entry) = &mut self.entry {
            (entry.fate, entry.acknowledged_boot_ns) = (fate, (fate == Fate::Acknowledged).then_some(at_boot_ns));
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        (entry.checked_boot_ns, entry.sent_boot_ns) = (self.departure.checked_ns(), self.departure.left_ns());
        if entry.fate == Fate::Unknown && entry.sent_boot_ns.is_none() {
            entry.fate = Fate::NotSent;
        }
        self.journal.enter(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};

    fn writing(journal: &Arc<Journal>, epoch: Epoch) -> (Arc<Departure>, Writing) {
        let departure = Arc::new(Departure::new(Box::new(|| Ok(())), Arc::new(SystemClock)));
        let entry = WriteEntry {
            device: Name::new("plc").unwrap(),
            tag: None,
            epoch,
            session: 3,
            checked_boot_ns: None,
            sent_boot_ns: None,
            acknowledged_boot_ns: None,
            fate: Fate::Unknown,
        };
        (Arc::clone(&departure), Writing::begin(Arc::clone(journal), departure, entry))
    }

    #[test]
    fn a_write_that_was_cut_short_has_an_entry_that_says_whether_it_left() {
        let journal = Arc::new(Journal::default());
        drop(writing(&journal, 1));
        let (departure, cut) = writing(&journal, 2);
        assert!(departure.ask());
        departure.left();
        drop(cut);
        let (departure, done) = writing(&journal, 3);
        assert!(departure.ask());
        departure.left();
        done.end(Fate::Acknowledged, SystemClock.boot_ns());
        let fates: Vec<(Epoch, Fate)> = journal.entries().iter().map(|entry| (entry.epoch, entry.fate)).collect();
        assert_eq!(fates, [(1, Fate::NotSent), (2, Fate::Unknown), (3, Fate::Acknowledged)]);
        let last = journal.entries().remove(2);
        assert!(last.checked_boot_ns.is_some() && last.checked_boot_ns <= last.sent_boot_ns);
        assert!(last.sent_boot_ns <= last.acknowledged_boot_ns);
    }

    #[test]
    fn the_oldest_go_first() {
        let journal = Arc::new(Journal::default());
        let most = ENTRIES_MAX as u64;
        (0..most + 3).for_each(|epoch| drop(writing(&journal, epoch)));
        let kept: Vec<Epoch> = journal.entries().iter().map(|entry| entry.epoch).collect();
        assert_eq!((kept.len(), kept[0], kept[kept.len() - 1]), (ENTRIES_MAX, 3, most + 2));
    }
}
