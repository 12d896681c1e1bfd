//! A4: a report about a command counts only under the segment's present epoch.
//!
//! Source: after a takeover the former owner's words about a device are hearsay.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::Command;
use labkeeper_model::{CommandId, CommandState};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct ReportsInEpoch {
    /// Where each command stood after the entry before.
    states: BTreeMap<CommandId, CommandState>,
}

impl Invariant for ReportsInEpoch {
    fn name(&self) -> &'static str {
        "reports_in_epoch"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        let (Fact::Committed, Some(entry)) = (fact, world.log.newest()) else { return Ok(()) };
        let agreed = world.log.agreed();
        let state = |id: &CommandId| agreed.command(id).map(|record| record.state());
        if let Command::ReportCommands { reports, .. } = &entry.asked {
            for report in reports {
                // A report changes no ownership, so the epoch is the one that it was judged by.
                let Some(record) = agreed.command(&report.id) else { continue };
                let epoch = agreed.ownership(record.tag.segment()).epoch;
                let all_stale = reports.iter().filter(|other| other.id == report.id).all(|other| other.epoch != epoch);
                let before = self.states.get(&report.id).copied();
                ensure(!all_stale || before == state(&report.id), || format!("{report:?} is stale, and counted"))?;
            }
        }
        for effect in &entry.applied.effects {
            if let labkeeper_machine::Effect::CommandChanged { id } = effect {
                self.states.extend(state(id).map(|state| (*id, state)));
            }
        }
        Ok(())
    }
}
