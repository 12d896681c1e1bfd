//! I6: a process that was frozen for longer than its lease begins no write before it has opened another session.
//!
//! Source: its boot clock went on while it was frozen, and the lease is looked at before each write.

use super::{Invariant, ensure};
use crate::clock::SimTime;
use crate::fact::Fact;
use crate::world::World;
use labkeeper_machine::Reply;
use labkeeper_model::SessionId;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct AfterFreeze {
    opened: BTreeMap<SessionId, SimTime>,
    thawed: BTreeMap<usize, SimTime>,
}

impl Invariant for AfterFreeze {
    fn name(&self) -> &'static str {
        "i6_after_freeze"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::Committed => {
                if let Some(Ok(Reply::Session(session))) = world.log.newest().map(|entry| &entry.applied.reply) {
                    self.opened.insert(*session, world.env.now);
                }
            }
            Fact::Thawed { node, frozen } if *frozen > world.env.setting.slowest(world.env.setting.terms.lease) => {
                self.thawed.insert(*node, world.env.now);
            }
            Fact::Checked { node, session, .. } => {
                let thawed = self.thawed.get(node).copied().unwrap_or_default();
                let opened = self.opened.get(session).copied().unwrap_or_default();
                return ensure(opened >= thawed, || {
                    format!("n{node} thawed at {thawed} after more than a lease, and writes under session {session} of {opened}")
                });
            }
            _ => {}
        }
        Ok(())
    }
}
