//! Who did what, in the order of the log: numbered without gaps, and bounded.
//!
//! An entry is written for every change that a person or a program asked for and for every change of ownership, and for every
//! setpoint that was refused, as for whatever else a person asked for and did not get (`refusal`). What an owner reports about a command
//! is not repeated here: the command says it. Each entry carries a hash over itself and all before it (`chain`).

pub mod chain;
mod refusal;

pub(crate) use refusal::Wish;

use crate::invariant::Invariant;
use crate::state::AuditEntry;
use crate::text::{DETAIL_LEN_MAX, cut};
use crate::{Machine, state::CommandRecord};
use chain::{Hash, ORIGIN, hash_of};
use labkeeper_model::{ErrorCode, Value};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most entries that are kept; older ones leave at the front. An entry takes about 300 bytes, 3 KB at most (128 actor, 194
/// target, 2,000 detail, 500 reason, twice 250 before and after), so all take 4 MB, 35 MB at most. At one change a minute that is a week.
pub const AUDIT_MAX: usize = 10_000;
/// Longest value that is kept of what was before and after a change, in bytes; what is longer is cut. As the longest text of any tag.
pub(crate) const CHANGE_LEN_MAX: usize = 250;

/// Who is written where nobody asked: what the machine does by itself.
pub(crate) const SELF: &str = "labkeeper";

/// What an entry says, apart from its number and time.
pub(crate) struct Deed<'a> {
    pub(crate) actor: &'a str,
    pub(crate) action: &'static str,
    pub(crate) target: &'a str,
    pub(crate) detail: String,
    pub(crate) reason: &'a str,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Audit {
    entries: VecDeque<Arc<AuditEntry>>,
    /// Number of the last entry, 0 before the first.
    last: u64,
    /// The hash before the oldest entry that is kept.
    anchor: Hash,
}

impl Audit {
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<AuditEntry>> {
        self.entries.iter()
    }

    pub(crate) fn next_number(&self) -> u64 {
        // Saturates after 2^64 entries: half a million years at one per microsecond.
        self.last.saturating_add(1)
    }

    /// The hash before the oldest entry that is kept.
    pub(crate) fn anchor(&self) -> Hash {
        self.anchor
    }

    /// Where the chain breaks, if it does. Hashes every entry: some 10 ms for all, so it is for starts and tests.
    pub(crate) fn breach(&self) -> Option<chain::Breach> {
        chain::verify(self.anchor, self.entries.iter().map(|entry| &**entry)).err()
    }

    pub(crate) fn push(&mut self, mut entry: AuditEntry) {
        let before = self.entries.back().map_or(self.anchor, |last| last.hash.unwrap_or(ORIGIN));
        entry.hash = Some(hash_of(&before, &entry));
        self.last = entry.number;
        self.entries.push_back(Arc::new(entry));
        if self.entries.len() > AUDIT_MAX {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.entries.pop_front() {
            self.anchor = oldest.hash.unwrap_or(ORIGIN);
        }
    }

    /// From a dump. Of entries whose numbers have gaps, those after the last gap are kept.
    pub(crate) fn restore(entries: Vec<Arc<AuditEntry>>, next: u64, anchor: Hash) -> Self {
        let gapless_from = (1..entries.len()).rev().find(|i| entries[*i].number != entries[i - 1].number.saturating_add(1)).unwrap_or(0);
        let from = gapless_from.max(entries.len().saturating_sub(AUDIT_MAX));
        let anchor = from.checked_sub(1).map_or(anchor, |dropped| entries[dropped].hash.unwrap_or(ORIGIN));
        let entries: VecDeque<_> = entries.into_iter().skip(from).collect();
        let last = entries.back().map_or(next.saturating_sub(1), |entry| entry.number);
        Self { entries, last, anchor }
    }
}

impl Machine {
    /// Writes an entry about something that was done.
    pub(crate) fn note(&mut self, deed: Deed<'_>) {
        let entry = self.entry(deed);
        self.push_entry(entry);
    }

    /// Writes an entry about something that was done to what can be named as it was before and is after.
    pub(crate) fn note_change(&mut self, deed: Deed<'_>, before: &str, after: &str) {
        let (before, after) = (cut(before.to_owned(), CHANGE_LEN_MAX), cut(after.to_owned(), CHANGE_LEN_MAX));
        let entry = self.entry(deed);
        self.push_entry(AuditEntry { before, after, ..entry });
    }

    /// Writes an entry about something that was asked for and not done.
    pub(crate) fn note_refusal(&mut self, deed: Deed<'_>, code: ErrorCode) {
        let entry = self.entry(deed);
        self.push_entry(AuditEntry { refused: Some(code), ..entry });
    }

    /// Writes an entry about a command to a device that was accepted or refused; `before` is the desired value that it replaces.
    pub(crate) fn note_command(&mut self, record: &CommandRecord, before: Option<&Value>, detail: String) {
        let deed = Deed { actor: &record.actor, action: record.kind.as_str(), target: record.tag.as_str(), detail, reason: &record.reason };
        let in_words = |value: Option<&Value>| value.map_or(String::new(), |value| cut(crate::text::value(value), CHANGE_LEN_MAX));
        let (before, after) = (in_words(before), in_words(record.accepted.as_ref()));
        let refused = record.error.as_ref().map(|error| error.0);
        let entry = self.entry(deed);
        self.push_entry(AuditEntry { command_id: Some(record.id), refused, before, after, ..entry });
    }

    fn entry(&self, deed: Deed<'_>) -> AuditEntry {
        AuditEntry {
            number: self.audit.next_number(),
            log_index: self.applied,
            time: self.time,
            actor: deed.actor.to_owned(),
            action: deed.action.to_owned(),
            target: deed.target.to_owned(),
            detail: cut(deed.detail, DETAIL_LEN_MAX),
            reason: deed.reason.to_owned(),
            before: String::new(),
            after: String::new(),
            command_id: None,
            refused: None,
            hash: None,
        }
    }

    fn push_entry(&mut self, entry: AuditEntry) {
        let before = self.audit.entries().next_back().map(|last| last.number);
        let gapless = before.is_none_or(|before| entry.number == before.saturating_add(1));
        self.faults.check(gapless, Invariant::AuditGapless, self.applied, || format!("{before:?}, then {}", entry.number));
        self.audit.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine_with(entries: usize) -> Machine {
        let mut machine = Machine::new();
        for _ in 0..entries {
            machine.note(Deed { actor: "ann", action: "site", target: "site", detail: String::new(), reason: "" });
        }
        machine
    }

    #[test]
    fn the_oldest_entries_leave_and_numbers_go_on() {
        let machine = machine_with(AUDIT_MAX + 5);
        let numbers: Vec<u64> = machine.audit().map(|entry| entry.number).collect();
        assert_eq!(numbers.len(), AUDIT_MAX);
        assert_eq!((numbers.first(), numbers.last()), (Some(&6), Some(&10_005)));
        assert_eq!(machine.audit.next_number(), 10_006);
        assert_eq!(machine.audit.breach(), None, "the chain begins behind what has left");
        assert_ne!(machine.audit.anchor(), ORIGIN);
    }

    #[test]
    fn a_dump_with_a_gap_keeps_what_is_behind_it() {
        let mut entries: Vec<_> = machine_with(5).audit().cloned().collect();
        entries.remove(2);
        let audit = Audit::restore(entries, 99, ORIGIN);
        assert_eq!(audit.breach().map(|breach| breach.number), Some(4), "what is missing is not hidden");
        assert_eq!(audit.entries().map(|entry| entry.number).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(audit.next_number(), 6);
        assert_eq!(Audit::restore(vec![], 42, ORIGIN).next_number(), 42);
        assert_eq!(Audit::restore(vec![], 0, ORIGIN).next_number(), 1);
    }
}
