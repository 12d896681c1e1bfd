//! The memory of commands: what makes a repeated id harmless, and what tells an owner what is left to do.
//!
//! ```text
//!  insert --> outstanding (per segment, by log index; by deadline while nobody began) --> ended (by age) --> forgotten
//! ```
//!
//! Every way of finding a command is an ordered index beside the records, so nothing is scanned. A command is taken out of all
//! indexes before it is changed and put back afterwards: an index cannot keep a key of yesterday.
//!
//! **When a command may be forgotten.** A client repeats a request word by word as long as it has no answer. The repeat is
//! harmless while the id is remembered, and again once its deadline has passed, as it is then refused as expired. So a command's
//! age counts from its last step *or its deadline, whichever is later*, and where room is needed the oldest in this sense goes first.
//! With the usual deadline of ten seconds a repeat is safe up to 100,000 / 10 s = 10,000 commands a second for the whole site.
//!
//! Knows nothing of tags, sites or owners: whoever inserts a command says whether it is outstanding.

use crate::state::CommandRecord;
use labkeeper_model::{CommandId, CommandState, LogIndex, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Most commands that are remembered, unless more than that are outstanding (at most one per tag, and a site has at most
/// 100,000 tags). A record takes about 700 bytes with its indexes, so all take 70 MB; 3 KB each and 300 MB together if every text
/// has its greatest length.
pub const COMMANDS_MAX: usize = 100_000;

/// How long a command is remembered at least after it ended, if there is room: a day, so that a script that was cut off in the
/// evening can ask in the morning.
pub const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// How far ahead a deadline may lie; a wish for the day after tomorrow is a plan, not a command.
pub const DEADLINE_AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);

/// Most commands that one entry makes the memory forget for their age. Each entry inserts one at most, so with two the memory shrinks
/// whenever it holds aged ones; and a jump in time does not make one entry pay for all.
const FORGET_PER_ENTRY_MAX: usize = 2;

/// Whether the owner still has something to do for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Outstanding,
    Ended,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    records: BTreeMap<CommandId, Arc<CommandRecord>>,
    by_log: BTreeSet<(LogIndex, CommandId)>,
    /// Outstanding ones by segment; a segment without any has no set.
    outstanding: BTreeMap<String, BTreeSet<(LogIndex, CommandId)>>,
    /// Outstanding ones that nobody began, by deadline.
    waiting: BTreeSet<(Timestamp, CommandId)>,
    /// Ended ones by age.
    ended: BTreeSet<(Timestamp, CommandId)>,
}

impl Commands {
    pub(crate) fn get(&self, id: &CommandId) -> Option<&Arc<CommandRecord>> {
        self.records.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<CommandRecord>> {
        self.records.values()
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Arc<CommandRecord>> {
        self.by_log.iter().rev().filter_map(|(_, id)| self.records.get(id))
    }

    pub(crate) fn outstanding<'a>(&'a self, segment: &str) -> impl Iterator<Item = &'a Arc<CommandRecord>> + use<'a> {
        self.outstanding.get(segment).into_iter().flatten().filter_map(|(_, id)| self.records.get(id))
    }

    pub(crate) fn is_outstanding(&self, record: &CommandRecord) -> bool {
        self.outstanding.get(record.tag.segment()).is_some_and(|set| set.contains(&(record.log_index, record.id)))
    }

    /// The commands that nobody began, with their deadlines, earliest first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Timestamp, &CommandId)> {
        self.waiting.iter().map(|(deadline, id)| (*deadline, id))
    }

    /// The commands that nobody began and whose deadline is `now` or earlier.
    pub(crate) fn overdue(&self, now: Timestamp) -> Vec<CommandId> {
        self.waiting.iter().take_while(|(deadline, _)| *deadline <= now).map(|(_, id)| *id).collect()
    }

    /// Puts a command in; one of the same id is replaced.
    pub(crate) fn insert(&mut self, record: Arc<CommandRecord>, standing: Standing) {
        let id = record.id;
        self.remove(&id);
        self.by_log.insert((record.log_index, id));
        match standing {
            Standing::Ended => {
                self.ended.insert((harmless_from(&record), id));
            }
            Standing::Outstanding => {
                self.outstanding.entry(record.tag.segment().to_owned()).or_default().insert((record.log_index, id));
                if record.state() == CommandState::Committed {
                    self.waiting.insert((record.deadline, id));
                }
            }
        }
        self.records.insert(id, record);
    }

    /// Takes a command out of the memory and all its indexes.
    pub(crate) fn remove(&mut self, id: &CommandId) -> Option<Arc<CommandRecord>> {
        let record = self.records.remove(id)?;
        self.by_log.remove(&(record.log_index, *id));
        self.ended.remove(&(harmless_from(&record), *id));
        self.waiting.remove(&(record.deadline, *id));
        if let Some(set) = self.outstanding.get_mut(record.tag.segment()) {
            set.remove(&(record.log_index, *id));
            if set.is_empty() {
                self.outstanding.remove(record.tag.segment());
            }
        }
        Some(record)
    }

    /// Forgets ended commands: those for which there is no room, and some of those that are a day old.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        while self.records.len() > COMMANDS_MAX && self.forget_oldest(|_| true) {}
        for _ in 0..FORGET_PER_ENTRY_MAX {
            if !self.forget_oldest(|from| from.saturating_add(RETENTION) < now) {
                break;
            }
        }
    }

    fn forget_oldest(&mut self, may: impl Fn(Timestamp) -> bool) -> bool {
        let Some((_, id)) = self.ended.first().copied().filter(|(from, _)| may(*from)) else { return false };
        self.remove(&id).is_some()
    }

    /// Whether the indexes hold exactly what they must, given which commands are outstanding.
    pub(crate) fn indexes_agree(&self, standing: impl Fn(&CommandRecord) -> Standing) -> bool {
        let mut rebuilt = Self::default();
        for record in self.records.values() {
            rebuilt.insert(Arc::clone(record), standing(record));
        }
        (&rebuilt.by_log, &rebuilt.outstanding, &rebuilt.waiting, &rebuilt.ended)
            == (&self.by_log, &self.outstanding, &self.waiting, &self.ended)
    }
}

/// From when on a verbatim repeat of an ended command's request would be harmless without the memory: its end or its deadline. A refused
/// request may have a deadline in another age, so it counts only as far as an accepted one could have it.
fn harmless_from(record: &CommandRecord) -> Timestamp {
    let time = |step: Option<&(CommandState, Timestamp)>| step.map_or(Timestamp::default(), |step| step.1);
    let deadline = record.deadline.min(time(record.steps.first()).saturating_add(DEADLINE_AHEAD_MAX));
    time(record.steps.last()).max(deadline)
}

#[cfg(test)]
#[path = "commands_tests.rs"]
mod tests;
