//! What was promised, and whether it was kept.
//!
//! * A command that was acknowledged is in the state of every node in the end, at the index that was told, with the revision that
//!   was told.
//! * No two acknowledged commands have one index or one revision.
//! * Two nodes that have applied up to the same index have the same bytes, whichever way they got there: by the log, by a snapshot,
//!   after a restart.
//! * A linearizable read sees every setpoint that was acknowledged before it began.

use labkeeper_machine::{Machine, Reply};
use labkeeper_model::{CommandId, LogIndex, Revision};
use labkeeper_raft::applied::Replica;
use labkeeper_raft::codec::snapshot;
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Oracle {
    acknowledged: BTreeMap<LogIndex, (CommandId, Revision)>,
    states: BTreeMap<LogIndex, u32>,
    newest: Revision,
    pub(crate) violations: Vec<String>,
}

impl Oracle {
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// The newest revision that a client has been told of.
    pub(crate) fn newest(&self) -> Revision {
        self.newest
    }

    pub(crate) fn broken(&mut self, what: String) {
        self.violations.push(what);
    }

    /// A client was told that its command is committed.
    pub(crate) fn was_acknowledged(&mut self, index: LogIndex, reply: &Reply) {
        let Reply::Command(record) = reply else { return };
        if let Some((other, _)) = self.acknowledged.insert(index, (record.id, record.revision)) {
            self.broken(format!("entry {index} was told to be {other} and {}", record.id));
        }
        if record.log_index != index {
            self.broken(format!("{} was told at {index} and says {}", record.id, record.log_index));
        }
        self.newest = self.newest.max(record.revision);
    }

    /// A read that began when `before` was the newest revision saw `seen`.
    pub(crate) fn was_read(&mut self, before: Revision, seen: Revision) {
        if seen < before {
            self.broken(format!("a linearizable read saw revision {seen} after {before} had been acknowledged"));
        }
    }

    /// Looks at a node's state.
    pub(crate) fn look_at(&mut self, node: u64, replica: &Replica) {
        let dump = replica.read(Machine::dump);
        let digest = crc32fast::hash(&snapshot::encode(&dump));
        if *self.states.entry(dump.applied).or_insert(digest) != digest {
            self.broken(format!("node {node} differs from another at index {}", dump.applied));
        }
    }

    /// Looks at the end: all nodes have all that was acknowledged.
    pub(crate) fn look_at_the_end(&mut self, replicas: &BTreeMap<u64, Replica>) {
        let mut found = vec![];
        for (node, replica) in replicas {
            replica.read(|machine| {
                for (index, (id, revision)) in &self.acknowledged {
                    match machine.command(id) {
                        None => found.push(format!("node {node} lost {id}, acknowledged at {index}")),
                        Some(record) if (record.log_index, record.revision) != (*index, *revision) => {
                            found.push(format!("node {node} has {id} at {} and not at {index}", record.log_index));
                        }
                        Some(_) => {}
                    }
                }
            });
        }
        self.violations.extend(found);
        let mut revisions: Vec<Revision> = self.acknowledged.values().map(|(_, revision)| *revision).collect();
        revisions.sort_unstable();
        if revisions.windows(2).any(|w| w[0] == w[1]) {
            self.broken("two acknowledged commands made one revision".to_owned());
        }
    }
}
