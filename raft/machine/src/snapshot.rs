//! The whole state out and in.
//!
//! What is not in a dump is rebuilt from it: the indexes of the command memory. Faults are not part of the state.
//!
//! A dump may contradict itself only if a file was damaged past its checksum or this crate has a fault. Even then a node must
//! start, so nothing here panics or gives up: [`Machine::restore`] takes what it finds, and latches every contradiction.

use crate::audit::Audit;
use crate::commands::Commands;
use crate::{Dump, Faults, Machine};
use std::sync::Arc;

impl Machine {
    /// The whole state as plain data. Costs one or two reference counts per record: 100,000 commands, 10,000 setpoints and the
    /// audit take 50 ms in a build without optimisation, so it may be made under a lock.
    #[must_use]
    pub fn dump(&self) -> Dump {
        Dump {
            applied: self.applied,
            time: self.time,
            site_id: self.site_id,
            site: Arc::clone(&self.site),
            site_version: self.site_version,
            nodes: self.nodes.clone(),
            ownerships: self.ownerships.clone(),
            sessions: self.sessions.clone(),
            last_session: self.last_session,
            draining: self.draining.clone(),
            words: self.words.clone(),
            cooldowns: self.cooldowns.clone(),
            takeovers: self.takeovers.iter().map(Arc::clone).collect(),
            holds: self.holds.clone(),
            drifts: self.drifts.clone(),
            quarantined: self.quarantined.clone(),
            departures: self.departures.clone(),
            setpoints: self.setpoints.clone(),
            commands: self.commands.iter().map(Arc::clone).collect(),
            audit: self.audit.entries().map(Arc::clone).collect(),
            audit_next: self.audit.next_number(),
            audit_anchor: self.audit.anchor(),
            alarms: self.alarms.clone(),
            authority: self.authority.clone(),
            interlocks: self.interlocks.clone(),
            operate: self.operate.clone(),
            notices: self.notices.clone(),
            deeds: self.deeds.clone(),
            term: self.term,
        }
    }

    /// The machine that made the dump. A dump that contradicts itself gives a machine that works, with what was found in
    /// [`Machine::faults`].
    #[must_use]
    pub fn restore(dump: Dump) -> Self {
        let mut machine = Self {
            applied: dump.applied,
            time: dump.time,
            site_id: dump.site_id,
            site: dump.site,
            site_version: dump.site_version,
            nodes: dump.nodes,
            ownerships: dump.ownerships,
            sessions: dump.sessions,
            last_session: dump.last_session,
            draining: dump.draining,
            words: dump.words,
            cooldowns: dump.cooldowns,
            takeovers: dump.takeovers.into(),
            holds: dump.holds,
            drifts: dump.drifts,
            quarantined: dump.quarantined,
            departures: dump.departures,
            setpoints: dump.setpoints,
            commands: Commands::default(),
            audit: Audit::restore(dump.audit, dump.audit_next, dump.audit_anchor),
            alarms: dump.alarms,
            authority: dump.authority,
            interlocks: dump.interlocks,
            operate: dump.operate,
            notices: dump.notices,
            deeds: dump.deeds,
            term: dump.term,
            faults: Faults::default(),
        };
        for record in dump.commands {
            let standing = machine.standing(&record);
            machine.commands.insert(record, standing);
        }
        for fault in machine.violations().into_iter().chain(machine.audit_breach()) {
            machine.faults.latch(fault);
        }
        machine
    }
}
