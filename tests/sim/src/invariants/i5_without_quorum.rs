//! I5: a node that has lost the quorum writes nothing that takes effect later than a lease after the loss.
//!
//! Source: no renewal that is sent afterwards can be committed, and the lease counts from sending. In true time a lease lasts
//! `lease / (1 - rho)` on the slowest clock; its last writes are begun `T_io` before its end and take effect within a stall and `T_io`.

use super::{Invariant, ensure};
use crate::clock::SimTime;
use crate::fact::Fact;
use crate::world::World;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct WithoutQuorum {
    lost: BTreeMap<usize, SimTime>,
}

impl Invariant for WithoutQuorum {
    fn name(&self) -> &'static str {
        "i5_without_quorum"
    }

    fn observe(&mut self, fact: &Fact, world: &World) -> Result<(), String> {
        match fact {
            Fact::NetworkChanged => {
                for at in 0..world.nodes.len() {
                    if world.reaches_quorum(at) {
                        self.lost.remove(&at);
                    } else {
                        self.lost.entry(at).or_insert(world.env.now);
                    }
                }
                Ok(())
            }
            Fact::Wrote(write) => {
                let setting = &world.env.setting;
                let Some(lost) = self.lost.get(&write.node) else { return Ok(()) };
                // A fenced device is also exposed to longer stalls: there the sending counts as it was looked at.
                let begun_at_last = lost.after(setting.slowest(setting.terms.lease));
                let effective_at_last = begun_at_last.after(setting.stall);
                let has_fence = world.plant.devices[write.device].has_fence;
                ensure(write.checked <= begun_at_last && (has_fence || write.effective <= effective_at_last), || {
                    format!("n{} lost the quorum at {lost}, and then {write:?} takes effect", write.node)
                })
            }
            _ => Ok(()),
        }
    }
}
