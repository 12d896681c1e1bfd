//! I7: a command that is called expired was never written, and none is begun after its deadline by its owner's clock.
//!
//! Source: `expired` promises that nothing was driven.

use super::{Invariant, ensure};
use crate::fact::Fact;
use crate::world::World;
use labkeeper_model::{CommandId, CommandState};
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Deadlines {
    written: BTreeSet<CommandId>,
}

impl Invariant for Deadlines {
    fn name(&self) -> &'static str {
        "i7_deadlines"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Wrote(write) => {
                let Some(id) = write.command else { return Ok(()) };
                self.written.insert(id);
                let Some(record) = world.log.agreed().command(&id) else {
                    return Err(format!("{write:?}, of which the log knows nothing"));
                };
                ensure(write.wall < record.deadline, || format!("{write:?} was begun after {:?}", record.deadline))?;
                ensure(record.state() != CommandState::Expired, || format!("{write:?}, and {id} is called expired"))
            }
            Fact::End => {
                let expired =
                    |id: &&CommandId| world.log.agreed().command(id).is_some_and(|record| record.state() == CommandState::Expired);
                let wrong = self.written.iter().find(expired);
                ensure(wrong.is_none(), || format!("{wrong:?} was written and is called expired"))
            }
            _ => Ok(()),
        }
    }
}
