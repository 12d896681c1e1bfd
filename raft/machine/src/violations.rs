//! Checks a whole state against the invariants that can be seen in one: for tests, simulations and restored snapshots.
//!
//! Costs O(n log n), so the machine never does this while applying an entry. The invariants of steps (time, epochs, revisions) need
//! two states and are checked where the step is made.

use crate::commands::{COMMANDS_MAX, Standing};
use crate::invariant::{Fault, Invariant};
use crate::lifecycle::{may_follow, set_by};
use crate::ownership::reaches;
use crate::state::CommandRecord;
use crate::{AUDIT_MAX, Machine};
use labkeeper_model::{CommandState, Name};
use std::collections::BTreeSet;

impl Machine {
    /// Every breach of an invariant in the present state; empty unless there is a fault in this crate or the state was restored
    /// from a damaged dump.
    #[must_use]
    pub fn violations(&self) -> Vec<Fault> {
        let mut found = Found { machine: self, faults: Vec::new() };
        found.nodes();
        found.ownerships();
        found.setpoints();
        found.commands();
        found.audit();
        found.faults
    }
}

struct Found<'a> {
    machine: &'a Machine,
    faults: Vec<Fault>,
}

impl Found<'_> {
    fn expect(&mut self, holds: bool, invariant: Invariant, detail: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(Fault { invariant, detail: detail(), log_index: self.machine.applied });
        }
    }

    fn nodes(&mut self) {
        let nodes = &self.machine.nodes;
        let names: BTreeSet<&Name> = nodes.values().map(|node| &node.name).collect();
        let instances: BTreeSet<_> = nodes.values().map(|node| node.instance).collect();
        let unique = names.len() == nodes.len() && instances.len() == nodes.len();
        self.expect(unique, Invariant::NodesUnique, || format!("{nodes:?}"));
        // The founder has number 1 even if an earlier entry could found a site.
        let last = nodes.keys().next_back().copied().unwrap_or(0);
        self.expect(last <= self.machine.applied.max(1), Invariant::NodesUnique, || format!("node {last}"));
    }

    fn ownerships(&mut self) {
        for (segment, ownership) in &self.machine.ownerships {
            let Some(owner) = ownership.owner else { continue };
            let node = self.machine.nodes.get(&owner);
            let declared = self.machine.site.segments.get_key_value(segment.as_str());
            let reached = node.zip(declared).is_some_and(|(node, (name, _))| reaches(node, name));
            self.expect(reached, Invariant::OwnerReaches, || format!("{segment} is owned by {owner}"));
        }
    }

    fn setpoints(&mut self) {
        for (tag, setpoint) in &self.machine.setpoints {
            self.expect(self.machine.site.tag(tag).is_some(), Invariant::SetpointDeclared, || tag.to_string());
            let Some(record) = self.machine.commands.get(&setpoint.command_id) else { continue };
            let follows = record.tag != *tag
                || !set_by(setpoint, record)
                || (record.accepted.as_ref(), record.state()) == (Some(&setpoint.value), setpoint.state);
            self.expect(follows, Invariant::SetpointFollows, || format!("{setpoint:?}, but {record:?}"));
        }
    }

    fn commands(&mut self) {
        let commands = &self.machine.commands;
        let mut outstanding = 0;
        for record in commands.iter() {
            self.expect(is_forward(record), Invariant::LifecycleForward, || format!("{record:?}"));
            let standing = self.machine.standing(record);
            let unfinished = matches!(record.state(), CommandState::Committed | CommandState::Dispatched);
            self.expect(!unfinished || standing == Standing::Outstanding, Invariant::OneOutstanding, || format!("{record:?}"));
            outstanding += usize::from(standing == Standing::Outstanding);
        }
        let agree = commands.indexes_agree(|record| self.machine.standing(record));
        self.expect(agree, Invariant::IndexesAgree, || "an index of the commands is off".into());
        let bounded = commands.len() <= COMMANDS_MAX.max(outstanding);
        self.expect(bounded, Invariant::MemoryBounded, || format!("{} commands", commands.len()));
    }

    fn audit(&mut self) {
        let numbers: Vec<u64> = self.machine.audit().map(|entry| entry.number).collect();
        let gapless = numbers.windows(2).all(|pair| pair[1] == pair[0].saturating_add(1));
        self.expect(gapless, Invariant::AuditGapless, || format!("{numbers:?}"));
        self.expect(numbers.len() <= AUDIT_MAX, Invariant::MemoryBounded, || format!("{} audit entries", numbers.len()));
    }
}

/// Whether a command's steps begin as they must, lead forward, and have times that do not go back.
fn is_forward(record: &CommandRecord) -> bool {
    let firsts = [CommandState::Committed, CommandState::Rejected, CommandState::Expired];
    let begins = record.steps.first().is_some_and(|(state, _)| firsts.contains(state));
    begins && record.steps.windows(2).all(|pair| may_follow(pair[0].0, pair[1].0) && pair[0].1 <= pair[1].1)
}
