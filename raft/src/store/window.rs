//! The newest entries of the log in memory: those that are not durable yet, because they can be read nowhere else, and as many
//! durable ones as fit, because followers and the state machine read what was just written.
//!
//! An entry may leave once the write that carried it is durable. Writes are told apart by a growing number, not by their index:
//! after a truncation the same index is written again, and only the first of the two writes may be durable.

use crate::types::Entry;
use std::collections::BTreeMap;
use std::ops::RangeBounds;

/// Most bytes of durable entries in memory: about a second of the fastest writing (20,000 setpoints of 200 bytes a second are
/// 4 MB/s), so that a follower that hiccups is served from memory. What is not durable yet comes on top: at most
/// `writer::WAITING_MAX` appends.
pub(super) const WINDOW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What an entry costs in memory beside its commands.
const ENTRY_OVERHEAD: usize = 128;

#[derive(Default)]
pub(super) struct Window {
    entries: BTreeMap<u64, Held>,
    bytes: usize,
    writes: u64,
    durable: u64,
}

struct Held {
    entry: Entry,
    write: u64,
}

impl Window {
    /// The number of the next write.
    pub(super) fn next_write(&mut self) -> u64 {
        self.writes += 1;
        self.writes
    }

    pub(super) fn insert(&mut self, write: u64, entry: Entry) {
        self.bytes += weight(&entry);
        if let Some(old) = self.entries.insert(entry.log_id.index, Held { entry, write }) {
            self.bytes -= weight(&old.entry);
        }
    }

    /// All writes up to this one are durable.
    pub(super) fn made_durable(&mut self, write: u64) {
        self.durable = self.durable.max(write);
        while self.bytes > WINDOW_BYTES_MAX && self.entries.first_key_value().is_some_and(|(_, held)| held.write <= self.durable) {
            if let Some((_, held)) = self.entries.pop_first() {
                self.bytes -= weight(&held.entry);
            }
        }
    }

    /// Forgets the entries from `index` on.
    pub(super) fn truncate(&mut self, index: u64) {
        let gone = self.entries.split_off(&index);
        self.bytes -= gone.values().map(|held| weight(&held.entry)).sum::<usize>();
    }

    /// Forgets the entries up to and with `index`.
    pub(super) fn purge(&mut self, index: u64) {
        let kept = self.entries.split_off(&index.saturating_add(1));
        let gone = std::mem::replace(&mut self.entries, kept);
        self.bytes -= gone.values().map(|held| weight(&held.entry)).sum::<usize>();
    }

    /// The index from which on every entry of the log is here; `None` if none is.
    pub(super) fn first(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(index, _)| *index)
    }

    pub(super) fn range(&self, range: impl RangeBounds<u64>) -> impl Iterator<Item = &Entry> {
        self.entries.range(range).map(|(_, held)| &held.entry)
    }
}

/// About how many bytes of memory an entry takes.
pub(super) fn weight(entry: &Entry) -> usize {
    ENTRY_OVERHEAD
        + match &entry.payload {
            openraft::EntryPayload::Normal(batch) => batch.0.len(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{EncodedBatch, LeaderId, LogId, Payload};

    fn entry(index: u64, bytes: usize) -> Entry {
        let log_id = LogId { leader_id: LeaderId { term: 1, node_id: 1 }, index };
        Entry { log_id, payload: Payload::Normal(EncodedBatch(vec![0; bytes].into())) }
    }

    fn held(window: &Window) -> Vec<u64> {
        window.range(..).map(|e| e.log_id.index).collect()
    }

    #[test]
    fn only_durable_entries_leave_and_only_when_room_is_needed() {
        let mut window = Window::default();
        for index in 0..4 {
            let write = window.next_write();
            window.insert(write, entry(index, WINDOW_BYTES_MAX / 2));
        }
        assert_eq!(held(&window), [0, 1, 2, 3], "nothing is durable");
        window.made_durable(1);
        assert_eq!(held(&window), [1, 2, 3]);
        window.made_durable(4);
        assert_eq!(held(&window), [3], "the newest fits");
    }

    #[test]
    fn an_index_that_is_written_again_waits_for_its_own_write() {
        let mut window = Window::default();
        let first = window.next_write();
        window.insert(first, entry(7, WINDOW_BYTES_MAX));
        window.truncate(7);
        let second = window.next_write();
        window.insert(second, entry(7, WINDOW_BYTES_MAX));
        window.insert(second, entry(8, WINDOW_BYTES_MAX));
        window.made_durable(first);
        assert_eq!(held(&window), [7, 8], "the disk has the first entry 7, not this one");
        window.made_durable(second);
        assert_eq!(held(&window), Vec::<u64>::new());
    }

    #[test]
    fn bytes_are_counted_exactly() {
        let mut window = Window::default();
        for index in 0..10 {
            window.insert(1, entry(index, 100));
        }
        window.insert(1, entry(9, 50));
        window.purge(3);
        window.truncate(8);
        assert_eq!(held(&window), [4, 5, 6, 7]);
        assert_eq!(window.bytes, 4 * (100 + ENTRY_OVERHEAD));
        window.purge(u64::MAX);
        assert_eq!(window.bytes, 0);
    }
}
