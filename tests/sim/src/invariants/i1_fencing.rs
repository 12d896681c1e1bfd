//! I1: no write under an epoch takes effect at its device after the segment was granted under a newer one.
//!
//! Source: the lease's purpose, and what a device can see of it. A grant to the very process that wrote is not meant: a process
//! that opens another session drives on under the next epoch, and its own write in flight harms nobody.
//!
//! Only a fence closes what a process does that stalls between looking and sending for longer than is tolerated, and only from the moment when
//! the next owner has claimed it: such writes, which only fenced devices get here, are I9's to judge.

use super::{Invariant, ensure};
use crate::event::Life;
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::{Command, Reply};
use labkeeper_model::{NodeId, SessionId};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Fencing {
    /// By session: whose it is, and which of its lives opened it.
    openers: BTreeMap<SessionId, (NodeId, Life)>,
}

impl Invariant for Fencing {
    fn name(&self) -> &'static str {
        "i1_fencing"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Committed => {
                let Some(entry) = world.log.newest() else { return Ok(()) };
                if let (Command::OpenSession { node, .. }, Ok(Reply::Session(session))) = (&entry.command, &entry.applied.reply) {
                    self.openers.insert(*session, (*node, entry.life));
                }
                Ok(())
            }
            Fact::Wrote(write) if write.sent.since(write.checked) <= world.env.setting.stall => {
                let segment = &world.plant.segments[world.plant.devices[write.device].segment];
                let granted = world.log.agreed().ownership(segment);
                let opener = self.openers.get(&granted.session);
                let is_own = opener.is_some_and(|(node, life)| *node == world.nodes[write.node].id && *life <= write.life);
                ensure(granted.epoch <= write.epoch || is_own, || {
                    format!("{segment} is granted to {:?} under epoch {}, and then {write:?} takes effect", granted.owner, granted.epoch)
                })
            }
            _ => Ok(()),
        }
    }
}
