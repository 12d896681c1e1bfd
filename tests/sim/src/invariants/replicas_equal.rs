//! Replicas that have applied the same entries are the same, and the agreed state keeps the machine's own invariants.
//!
//! Source: the machine is deterministic, also through snapshots, as every process begins with a dump of the one before.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;

pub(super) struct ReplicasEqual;

impl Invariant for ReplicasEqual {
    fn name(&self) -> &'static str {
        "replicas_equal"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Diverged { node, index } => Err(format!("n{node} answered entry {index} otherwise than the others")),
            Fact::End => {
                let agreed = world.log.agreed();
                let violations = agreed.violations();
                ensure(violations.is_empty(), || format!("{violations:?}"))?;
                for node in &world.nodes {
                    let mut replica = node.replica.clone();
                    world.log.since(replica.applied()).for_each(|entry| drop(replica.apply(entry.stamp, entry.command.clone())));
                    ensure(replica.dump() == agreed.dump(), || format!("n{} has another state than was agreed", node.at))?;
                    ensure(replica.faults().is_empty(), || format!("n{}: {:?}", node.at, replica.faults()))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
