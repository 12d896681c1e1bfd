//! A1: a setpoint that was acknowledged is never lost, and none is accepted twice.
//!
//! Source: the first promise of the product. Each wish of a client has a value of its own, so a value that is accepted twice
//! is a wish that was.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::Reply;
use labkeeper_model::CommandId;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct AcceptedOnce {
    acknowledged: BTreeSet<CommandId>,
    /// By value, in the bits of its number: the command that was accepted.
    accepted: BTreeMap<u64, CommandId>,
}

impl Invariant for AcceptedOnce {
    fn name(&self) -> &'static str {
        "accepted_once"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Acknowledged { id } => {
                self.acknowledged.insert(*id);
                self.kept(id, world)
            }
            Fact::Committed => {
                let Some(entry) = world.log.newest() else { return Ok(()) };
                let Ok(Reply::Command(record)) = &entry.applied.reply else { return Ok(()) };
                let Some(value) = record.accepted.as_ref().filter(|_| record.log_index == entry.stamp.index) else { return Ok(()) };
                let bits = value.as_f64().unwrap_or_default().to_bits();
                let before = self.accepted.insert(bits, record.id);
                ensure(before.is_none(), || format!("{value} was accepted as {before:?} and again as {}", record.id))
            }
            Fact::End => self.acknowledged.iter().try_for_each(|id| self.kept(id, world)),
            _ => Ok(()),
        }
    }
}

impl AcceptedOnce {
    fn kept(&self, id: &CommandId, world: &World) -> Result<(), String> {
        let is_kept = world.log.agreed().command(id).is_some_and(|record| record.accepted.is_some());
        ensure(is_kept, || format!("{id} was acknowledged, and is not in the agreed state"))
    }
}
