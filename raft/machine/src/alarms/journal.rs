//! Every change of every alarm, in the order of the log: numbered without gaps, and bounded.

use labkeeper_alarm::{State, Transition};
use labkeeper_model::site::Priority;
use labkeeper_model::{AlarmId, LogIndex, Timestamp, Value};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most entries that are kept; older ones leave at the front. At the 150 alarms a day that one operator can handle, with three rows
/// each, that is three weeks; a flood of 3,000 alarms fits. An entry takes about 300 bytes, 1.2 KB at most (259 alarm, 128 actor, 500
/// text, a value), so all take 3 MB, 12 MB at most.
pub const JOURNAL_MAX: usize = 10_000;

/// One change of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalEntry {
    /// From 1, without gaps.
    pub number: u64,
    /// The log entry.
    pub log_index: LogIndex,
    /// The machine's time.
    pub time: Timestamp,
    /// Which alarm.
    pub alarm: AlarmId,
    /// Which of its occurrences; with the alarm, the identity of the event.
    pub occurrence: u64,
    /// What happened.
    pub transition: Transition,
    /// The state after it.
    pub state: State,
    /// How urgent the alarm was.
    pub priority: Priority,
    /// The most severe word of the occurrence.
    pub severity: u8,
    /// The reading.
    pub value: Option<Value>,
    /// Whether people were to be told.
    pub announced: bool,
    /// Who; empty if nobody did it.
    pub actor: String,
    /// Why, or what was remarked.
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Journal {
    entries: VecDeque<Arc<JournalEntry>>,
    /// Number of the last entry, 0 before the first.
    last: u64,
}

impl Journal {
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<JournalEntry>> {
        self.entries.iter()
    }

    pub(super) fn next_number(&self) -> u64 {
        // Saturates after 2^64 entries: half a million years at one per microsecond.
        self.last.saturating_add(1)
    }

    pub(super) fn push(&mut self, entry: JournalEntry) {
        self.last = entry.number;
        self.entries.push_back(Arc::new(entry));
        if self.entries.len() > JOURNAL_MAX {
            self.entries.pop_front();
        }
    }

    /// From a dump. Of entries whose numbers have gaps, those after the last gap are kept.
    pub(super) fn restore(entries: Vec<Arc<JournalEntry>>, next: u64) -> Self {
        let gapless_from = (1..entries.len()).rev().find(|i| entries[*i].number != entries[i - 1].number.saturating_add(1)).unwrap_or(0);
        let from = gapless_from.max(entries.len().saturating_sub(JOURNAL_MAX));
        let entries: VecDeque<_> = entries.into_iter().skip(from).collect();
        let last = entries.back().map_or(next.saturating_sub(1), |entry| entry.number);
        Self { entries, last }
    }
}
