//! Checks a whole state against the invariants that can be seen in one: for tests, simulations and restored snapshots.
//!
//! Costs O(n log n), so the machine never does this while applying an entry. The invariants of steps (time, epochs, revisions) need
//! two states and are checked where the step is made.

use crate::commands::{COMMANDS_MAX, Standing};
use crate::invariant::{Fault, Invariant};
use crate::lifecycle::{may_follow, set_by};
use crate::notices::{GIVEN_UP_MAX, OUTBOX_MAX};
use crate::once::DEEDS_MAX;
use crate::ownership::reaches;
use crate::state::CommandRecord;
use crate::{AUDIT_MAX, JOURNAL_MAX, Machine, TAKEOVERS_MAX};
use labkeeper_model::{CommandState, Name, NodeId};
use std::collections::BTreeSet;

impl Machine {
    /// Every breach of an invariant in the present state; empty unless there is a fault in this crate or the state was restored
    /// from a damaged dump.
    #[must_use]
    pub fn violations(&self) -> Vec<Fault> {
        let mut found = Found { machine: self, faults: Vec::new() };
        found.nodes();
        found.sessions();
        found.ownerships();
        found.notes();
        found.setpoints();
        found.commands();
        found.audit();
        found.alarms();
        found.notices();
        found.deeds();
        found.faults
    }

    /// Where the chain of the audit breaks. Apart from [`Machine::violations`], as hashing the audit is no matter of microseconds.
    #[must_use]
    pub fn audit_breach(&self) -> Option<Fault> {
        let fault = |breach: crate::chain::Breach| Fault {
            invariant: Invariant::AuditChained,
            detail: breach.to_string(),
            log_index: self.applied,
        };
        self.audit.breach().map(fault)
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

    fn sessions(&mut self) {
        let machine = self.machine;
        for (node, session) in &machine.sessions {
            let sound = session.id <= machine.last_session && session.alive == session.ended.is_none() && session.id != 0;
            self.expect(sound, Invariant::SessionsGrow, || format!("{session:?} of node {node}, newest {}", machine.last_session));
            let known = machine.nodes.contains_key(node) || session.alive;
            self.expect(known, Invariant::SessionsGrow, || format!("{session:?} of node {node}, which was removed"));
        }
        let ids: BTreeSet<_> = machine.sessions.values().map(|session| session.id).collect();
        self.expect(ids.len() == machine.sessions.len(), Invariant::SessionsGrow, || format!("{:?}", machine.sessions));
    }

    fn ownerships(&mut self) {
        let machine = self.machine;
        for (segment, ownership) in machine.ownerships.iter().filter(|_| !machine.is_sessionless()) {
            let session = ownership.owner.and_then(|owner| machine.sessions.get(&owner)).filter(|session| session.alive);
            let alive = ownership.owner.is_none() || session.is_some_and(|session| session.id == ownership.session);
            self.expect(alive, Invariant::OwnerAlive, || format!("{segment}: {ownership:?} under {session:?}"));
            let settled = ownership.owner.is_some() || (ownership.session == 0 && ownership.successor.is_none());
            self.expect(settled, Invariant::OwnerAlive, || format!("{segment}: {ownership:?}"));
            let fits = ownership.successor.is_none_or(|next| Some(next) != ownership.owner && self.is_usable(next, segment));
            self.expect(fits, Invariant::SuccessorFits, || format!("{segment}: {ownership:?}"));
        }
        for segment in machine.site.segments.keys().filter(|_| !machine.is_sessionless()) {
            let unowned = machine.recorded(segment.as_str()).owner.is_none();
            let usable = machine.nodes.keys().find(|node| self.is_usable(**node, segment.as_str()));
            self.expect(!unowned || usable.is_none(), Invariant::NothingUnowned, || format!("{segment}: {usable:?} could have it"));
        }
    }

    fn is_usable(&self, node: NodeId, segment: &str) -> bool {
        let machine = self.machine;
        let alive = machine.sessions.get(&node).is_some_and(|session| session.alive);
        let info = machine.nodes.get(&node).zip(machine.site.segments.get_key_value(segment));
        alive && !machine.draining.contains(&node) && info.is_some_and(|(info, (name, _))| reaches(info, name))
    }

    fn notes(&mut self) {
        let machine = self.machine;
        let undeclared = machine.holds.keys().chain(machine.drifts.keys()).find(|tag| machine.site.tag(tag).is_none());
        self.expect(undeclared.is_none(), Invariant::NotesDeclared, || format!("{undeclared:?}"));
        let unknown = machine.quarantined.keys().find(|device| !machine.site.devices.contains_key(*device));
        self.expect(unknown.is_none(), Invariant::NotesDeclared, || format!("{unknown:?}"));
        let elsewhere = machine.words.keys().chain(machine.cooldowns.keys()).find(|segment| !machine.has_segment(segment));
        self.expect(elsewhere.is_none(), Invariant::NotesDeclared, || format!("{elsewhere:?}"));
        let stranger =
            machine.words.values().flat_map(|words| words.keys()).chain(&machine.draining).find(|id| !machine.nodes.contains_key(id));
        self.expect(stranger.is_none(), Invariant::NotesDeclared, || format!("node {stranger:?}"));
        let undeclared = machine.authority.undeclared(&machine.site);
        self.expect(undeclared.is_none(), Invariant::NotesDeclared, || format!("control of {undeclared:?}"));
        let undeclared = machine.interlocks.undeclared(&machine.site);
        self.expect(undeclared.is_none(), Invariant::NotesDeclared, || format!("interlock {undeclared:?}"));
        let undeclared = machine.operate.undeclared(&machine.site);
        self.expect(undeclared.is_none(), Invariant::NotesDeclared, || format!("ramp or selection of {undeclared:?}"));
        let takeovers = machine.takeovers.len();
        self.expect(takeovers <= TAKEOVERS_MAX, Invariant::MemoryBounded, || format!("{takeovers} takeovers"));
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

impl Found<'_> {
    fn alarms(&mut self) {
        let machine = self.machine;
        self.expect(machine.alarms.index_agrees(), Invariant::IndexesAgree, || "the deadlines of alarms are off".into());
        let numbers: Vec<u64> = machine.alarm_journal().map(|entry| entry.number).collect();
        let gapless = numbers.windows(2).all(|pair| pair[1] == pair[0].saturating_add(1));
        self.expect(gapless, Invariant::AuditGapless, || format!("{numbers:?}"));
        self.expect(numbers.len() <= JOURNAL_MAX, Invariant::MemoryBounded, || format!("{} rows of the alarm journal", numbers.len()));
        let stranger = machine.alarm_records().map(|(id, _)| id).find(|id| id.area() != "system" && !machine.is_declared_alarm(id));
        self.expect(stranger.is_none(), Invariant::NotesDeclared, || format!("{stranger:?}"));
    }
}

impl Found<'_> {
    fn notices(&mut self) {
        let (waiting, given_up) = (self.machine.notices().count(), self.machine.notices_given_up().count());
        let bounded = waiting <= OUTBOX_MAX && given_up <= GIVEN_UP_MAX;
        self.expect(bounded, Invariant::MemoryBounded, || format!("{waiting} notices wait, {given_up} were given up"));
        let stranger = self.machine.notices().map(|pending| &pending.route).find(|route| !self.machine.site.routes.contains_key(*route));
        self.expect(stranger.is_none(), Invariant::NotesDeclared, || format!("a notice for {stranger:?}"));
    }

    fn deeds(&mut self) {
        let deeds = self.machine.deeds().len();
        self.expect(deeds <= DEEDS_MAX, Invariant::MemoryBounded, || format!("{deeds} deeds"));
        let found = self.machine.deeds().iter().count();
        self.expect(found == deeds, Invariant::IndexesAgree, || format!("{deeds} deeds in order, of which {found} are known by their ids"));
    }
}

/// Whether a command's steps begin as they must, lead forward, and have times that do not go back.
fn is_forward(record: &CommandRecord) -> bool {
    let firsts = [CommandState::Committed, CommandState::Rejected, CommandState::Expired];
    let begins = record.steps.first().is_some_and(|(state, _)| firsts.contains(state));
    begins && record.steps.windows(2).all(|pair| may_follow(pair[0].0, pair[1].0) && pair[0].1 <= pair[1].1)
}
