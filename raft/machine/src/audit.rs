//! Who did what, in the order of the log: numbered without gaps, and bounded.
//!
//! An entry is written for every change that a person or a program asked for and for every change of ownership, and for every
//! setpoint that was refused. What an owner reports about a command is not repeated here: the command says it.

use crate::invariant::Invariant;
use crate::state::AuditEntry;
use crate::text::{DETAIL_LEN_MAX, cut};
use crate::{Machine, state::CommandRecord};
use labkeeper_model::ErrorCode;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most entries that are kept; older ones leave at the front. An entry takes about 300 bytes, 3 KB at most (128 actor, 194
/// target, 2,000 detail, 500 reason), so all take 3 MB, 30 MB at most. At one change a minute that is a week.
pub const AUDIT_MAX: usize = 10_000;

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
}

impl Audit {
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<AuditEntry>> {
        self.entries.iter()
    }

    pub(crate) fn next_number(&self) -> u64 {
        // Saturates after 2^64 entries: half a million years at one per microsecond.
        self.last.saturating_add(1)
    }

    pub(crate) fn push(&mut self, entry: AuditEntry) {
        self.last = entry.number;
        self.entries.push_back(Arc::new(entry));
        if self.entries.len() > AUDIT_MAX {
            self.entries.pop_front();
        }
    }

    /// From a dump. Of entries whose numbers have gaps, those after the last gap are kept.
    pub(crate) fn restore(entries: Vec<Arc<AuditEntry>>, next: u64) -> Self {
        let gapless_from = (1..entries.len()).rev().find(|i| entries[*i].number != entries[i - 1].number.saturating_add(1)).unwrap_or(0);
        let from = gapless_from.max(entries.len().saturating_sub(AUDIT_MAX));
        let entries: VecDeque<_> = entries.into_iter().skip(from).collect();
        let last = entries.back().map_or(next.saturating_sub(1), |entry| entry.number);
        Self { entries, last }
    }
}

impl Machine {
    /// Writes an entry about something that was done.
    pub(crate) fn note(&mut self, deed: Deed<'_>) {
        let entry = self.entry(deed);
        self.push_entry(entry);
    }

    /// Writes an entry about a command to a device that was accepted or refused.
    pub(crate) fn note_command(&mut self, record: &CommandRecord, detail: String, refused: Option<ErrorCode>) {
        let deed = Deed { actor: &record.actor, action: record.kind.as_str(), target: record.tag.as_str(), detail, reason: &record.reason };
        let entry = self.entry(deed);
        self.push_entry(AuditEntry { command_id: Some(record.id), refused, ..entry });
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
            command_id: None,
            refused: None,
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
    }

    #[test]
    fn a_dump_with_a_gap_keeps_what_is_behind_it() {
        let mut entries: Vec<_> = machine_with(5).audit().cloned().collect();
        entries.remove(2);
        let audit = Audit::restore(entries, 99);
        assert_eq!(audit.entries().map(|entry| entry.number).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(audit.next_number(), 6);
        assert_eq!(Audit::restore(vec![], 42).next_number(), 42);
        assert_eq!(Audit::restore(vec![], 0).next_number(), 1);
    }
}
