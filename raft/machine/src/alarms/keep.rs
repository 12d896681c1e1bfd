//! What is kept of alarms: their records, found by identity and by deadline, the journal and the floods.

use super::flood::Floods;
use super::journal::{Journal, JournalEntry};
use labkeeper_alarm::Alarm;
use labkeeper_model::{AlarmId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// This part of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alarms {
    /// Those that were ever more than normal.
    records: BTreeMap<AlarmId, Arc<Alarm>>,
    /// Follows from the records.
    due: BTreeSet<(Timestamp, AlarmId)>,
    pub(super) journal: Journal,
    floods: Floods,
}

impl Alarms {
    /// From the parts of a dump; `journal_next` is the number of the journal's next entry.
    #[must_use]
    pub fn restore(records: BTreeMap<AlarmId, Arc<Alarm>>, journal: Vec<Arc<JournalEntry>>, journal_next: u64, floods: Floods) -> Self {
        let due = records.iter().filter_map(|(id, alarm)| Some((alarm.due?, id.clone()))).collect();
        Self { records, due, journal: Journal::restore(journal, journal_next), floods }
    }

    /// The records, by identity.
    #[must_use]
    pub fn records(&self) -> &BTreeMap<AlarmId, Arc<Alarm>> {
        &self.records
    }

    /// The journal, oldest first.
    pub fn journal(&self) -> impl DoubleEndedIterator<Item = &Arc<JournalEntry>> {
        self.journal.entries()
    }

    /// Number of the journal's next entry.
    #[must_use]
    pub fn journal_next(&self) -> u64 {
        self.journal.next_number()
    }

    /// The floods, and what may become one.
    #[must_use]
    pub fn floods(&self) -> &Floods {
        &self.floods
    }

    pub(super) fn get(&self, id: &AlarmId) -> Option<&Arc<Alarm>> {
        self.records.get(id)
    }

    /// Whose identities begin with a path, which ends with a slash.
    pub(super) fn below(&self, path: &str) -> Vec<AlarmId> {
        let from = self.records.range::<str, _>((Bound::Included(path), Bound::Unbounded));
        from.map(|(id, _)| id).take_while(|id| id.as_str().starts_with(path)).cloned().collect()
    }

    pub(super) fn insert(&mut self, id: AlarmId, alarm: Arc<Alarm>) {
        self.remove(&id);
        if let Some(due) = alarm.due {
            self.due.insert((due, id.clone()));
        }
        self.records.insert(id, alarm);
    }

    pub(super) fn remove(&mut self, id: &AlarmId) -> Option<Arc<Alarm>> {
        let alarm = self.records.remove(id)?;
        if let Some(due) = alarm.due {
            self.due.remove(&(due, id.clone()));
        }
        Some(alarm)
    }

    /// The alarms for which something is due.
    pub(super) fn due_by(&self, now: Timestamp) -> Vec<AlarmId> {
        self.due.iter().take_while(|(due, _)| *due <= now).map(|(_, id)| id.clone()).collect()
    }

    pub(super) fn count_for_flood(&mut self, id: &AlarmId, now: Timestamp) {
        self.floods.count(id, now);
    }

    pub(super) fn end_floods(&mut self, now: Timestamp) {
        self.floods.end_by(now);
    }

    /// When [`crate::Command::FireTimers`] is due for this part.
    pub(crate) fn next_timer(&self) -> Option<Timestamp> {
        let alarm = self.due.first().map(|(due, _)| *due);
        [alarm, self.floods.next_end()].into_iter().flatten().min()
    }

    /// Whether what finds alarms by their deadline agrees with the alarms.
    pub(crate) fn index_agrees(&self) -> bool {
        let due: BTreeSet<_> = self.records.iter().filter_map(|(id, alarm)| Some((alarm.due?, id.clone()))).collect();
        due == self.due
    }
}
